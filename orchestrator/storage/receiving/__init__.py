"""What is PUT to this server itself: the right to it, the room for it, and how it comes to disk."""
