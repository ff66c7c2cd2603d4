"""The measured claims: each module is a command that prints figures beside a baseline."""
