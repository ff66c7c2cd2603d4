"""What is kept and for how long: expiry, pins, legal holds, and the record of who deleted what."""
