"""Direct uploads, from the first request to the job that uses the file."""
