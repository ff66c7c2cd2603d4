"""The commands that keep, delete for good, and tell what was deleted."""
