"""Telling callers by signed webhooks: written with the change itself, sent until it has arrived."""
