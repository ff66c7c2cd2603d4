"""writes_nothing: succeeds without a file."""

from tests.broken.contract import contract

OPERATION = contract("writes_nothing", "Succeeds without a file.")
