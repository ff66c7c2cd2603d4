"""What both sides know of captions: how subtitles must be written to be taken, and all that decides their look."""
