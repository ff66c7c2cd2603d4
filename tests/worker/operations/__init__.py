"""The operations, each through its run()."""
