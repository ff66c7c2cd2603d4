"""Direct uploads: what clients and the server say of them, and which files they take."""
