"""Fetching what a job made: names, places, and files that are taken up where they broke off."""
