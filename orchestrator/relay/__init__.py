"""Following tasks at the endpoint and completing them from storage."""
