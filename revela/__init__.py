"""What a user installs: the client and the command."""
