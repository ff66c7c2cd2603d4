"""What the tiny operations do."""
