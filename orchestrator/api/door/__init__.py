"""What stands around every route: the log line, keys, bodies, problems, and the routes' own form."""
