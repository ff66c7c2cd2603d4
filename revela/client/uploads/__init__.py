"""Sending files: in parts, several at once, taken up where an earlier run broke off."""
