"""Looking into media files in this process, through PyAV with all doors shut: the only place that does."""
