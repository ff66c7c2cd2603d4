"""Keeping and deleting from the terminal: pins, holds, the audit log, the storage's check."""
