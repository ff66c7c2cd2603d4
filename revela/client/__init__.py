"""The Python client of a Revela server, blocking and asynchronous; `from revela import Client` gives it."""
