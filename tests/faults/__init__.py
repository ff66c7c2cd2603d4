"""Faults: real processes, killed in the middle."""
