"""slow_progress: tells its progress far more often than anyone wants to hear."""

from tests.broken.contract import contract

OPERATION = contract("slow_progress", "Tells its progress far more often than anyone wants to hear.")
