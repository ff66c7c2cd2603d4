"""Who may ask for what, as clients are told."""
