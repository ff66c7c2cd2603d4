"""Files on their way in and out of the worker."""
