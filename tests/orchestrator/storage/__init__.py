"""Disk storage."""
