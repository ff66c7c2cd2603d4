"""What a tenant does to jobs that are stored."""
