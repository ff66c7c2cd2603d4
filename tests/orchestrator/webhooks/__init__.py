"""Webhooks, with a real receiver on loopback and an independent package as the judge of signatures."""
