"""The media engine."""
