"""Tests of what becomes of words at the terminal."""
