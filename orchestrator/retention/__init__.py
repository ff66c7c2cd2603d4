"""What happens to outputs that nobody shall have any more."""
