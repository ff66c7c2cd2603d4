"""Tests of the commands that give jobs to a server."""
