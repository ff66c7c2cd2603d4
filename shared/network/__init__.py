"""Reaching other machines by the names that users give."""
