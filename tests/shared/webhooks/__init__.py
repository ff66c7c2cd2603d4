"""Webhooks, judged by the standard's own package."""
