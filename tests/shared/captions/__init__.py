"""What both sides know of captions."""
