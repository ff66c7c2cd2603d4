"""Direct uploads: files that clients send straight to the storage, before a job names them."""
