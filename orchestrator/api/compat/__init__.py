"""The routes of the earlier system: its requests, held until done, and its responses."""
