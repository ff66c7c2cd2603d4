"""The API's description, and that it is true."""
