"""fills_memory: runs out of memory."""

from tests.broken.contract import contract

OPERATION = contract("fills_memory", "Runs out of memory.")
