"""Direct uploads over HTTP."""
