"""raises_system_exit: calls sys.exit."""

from tests.broken.contract import contract

OPERATION = contract("raises_system_exit", "Calls sys.exit.")
