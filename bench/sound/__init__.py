"""Pictures of what happens to sound."""
