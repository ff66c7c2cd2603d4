"""One file per operation: run(params, context) -> Result."""
