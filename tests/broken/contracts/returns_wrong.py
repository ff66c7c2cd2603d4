"""returns_wrong: returns something other than its Result."""

from tests.broken.contract import contract

OPERATION = contract("returns_wrong", "Returns something other than its Result.")
