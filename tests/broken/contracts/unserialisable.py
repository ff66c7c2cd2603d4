"""unserialisable: returns what JSON can't say."""

from tests.broken.contract import contract

OPERATION = contract("unserialisable", "Returns what JSON can't say.")
