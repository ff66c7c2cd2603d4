"""Captions: read, laid out, and drawn by libass, which shows whether all of it is right."""
