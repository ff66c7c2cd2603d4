"""The GPU side: takes a work order, makes the files, uploads them."""
