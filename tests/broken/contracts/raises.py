"""raises: raises an error that nobody planned."""

from tests.broken.contract import contract

OPERATION = contract("raises", "Raises an error that nobody planned.")
