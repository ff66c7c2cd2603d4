"""Files of this machine on their way to a server, on the terminal."""
