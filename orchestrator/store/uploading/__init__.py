"""Uploads in the database."""
