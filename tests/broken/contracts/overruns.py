"""overruns: takes longer than its time limit, but obeys."""

from tests.broken.contract import contract

OPERATION = contract("overruns", "Takes longer than its time limit, but obeys.", timeout_s=0.5)
