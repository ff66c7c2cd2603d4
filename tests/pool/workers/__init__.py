"""Small handlers, run in real SDK worker processes."""
