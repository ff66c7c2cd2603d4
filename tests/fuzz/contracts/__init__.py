"""An operation that no made-up parameter can do harm with."""
