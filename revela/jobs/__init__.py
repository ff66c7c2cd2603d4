"""Jobs from the terminal: what was typed becomes a request, a job is followed, shown and saved."""
