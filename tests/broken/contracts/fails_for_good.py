"""fails_for_good: fails in a way that no retry mends."""

from tests.broken.contract import contract

OPERATION = contract("fails_for_good", "Fails in a way that no retry mends.")
