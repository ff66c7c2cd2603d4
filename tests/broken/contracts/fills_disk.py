"""fills_disk: runs out of disk space."""

from tests.broken.contract import contract

OPERATION = contract("fills_disk", "Runs out of disk space.")
