"""What it does."""
