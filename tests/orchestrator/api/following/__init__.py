"""Following a job by server-sent events."""
