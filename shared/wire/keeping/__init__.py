"""What is said of keeping and deleting: legal holds, and the audit log."""
