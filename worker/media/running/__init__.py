"""Running ffmpeg: the only place that starts it, confined to the files it was given and to limits."""
