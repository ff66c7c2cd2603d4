"""Webhooks from the terminal: receive them, look at their deliveries, change the secret."""
