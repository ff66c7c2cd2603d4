"""Loops that run beside the API, and the work that they begin."""
