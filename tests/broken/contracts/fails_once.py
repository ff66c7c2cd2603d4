"""fails_once: fails in a way that a retry mends: the second run, by its marker, succeeds."""

from tests.broken.contract import contract

OPERATION = contract("fails_once", "Fails in a way that a retry mends: the second run, by its marker, succeeds.")
