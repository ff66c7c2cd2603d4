"""FFmpeg, pictures and camera motion."""
