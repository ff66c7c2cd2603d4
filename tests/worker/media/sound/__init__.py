"""Sound: mixing, and how loud it is."""
