"""Whole runs through every part, as a user starts them."""
