"""Running ffmpeg."""
