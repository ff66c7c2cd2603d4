"""Where inputs and outputs lie."""
