"""The contracts of the tiny operations."""
