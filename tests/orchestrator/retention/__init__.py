"""Expiry, pins, holds, the audit log, the storage's check and the disk guard."""
