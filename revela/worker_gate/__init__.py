"""What stands between a pool and the worker on this machine, so that neither's absence harms the other."""
