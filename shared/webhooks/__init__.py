"""Webhooks, for who sends and who receives them: what proves where one comes from."""
