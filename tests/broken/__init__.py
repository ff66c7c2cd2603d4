"""Tiny operations: one that is good, and one for each way to fail; REVELA_OPERATION_PACKAGES=tests.broken adds them."""
