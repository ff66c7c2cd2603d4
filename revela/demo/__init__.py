"""The demo: one real batch of photos through all of Revela on this machine."""
