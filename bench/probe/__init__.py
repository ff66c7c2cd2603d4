"""Pictures of what is found in a file."""
