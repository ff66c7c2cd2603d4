"""Every route under requests that were made up from the description, by a tool that has only the description."""
