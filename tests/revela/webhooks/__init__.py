"""`revela webhooks`."""
