"""hangs: sleeps and does not hear the order to stop."""

from tests.broken.contract import contract

OPERATION = contract("hangs", "Sleeps and does not hear the order to stop.")
