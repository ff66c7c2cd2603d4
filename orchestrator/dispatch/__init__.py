"""Handing tasks to the endpoint."""
