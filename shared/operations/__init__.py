"""One file per operation: its parameters, its result, the files it makes and what it costs."""
