"""What both sides know of media files."""
