"""raises_system_exit: calls sys.exit."""

import sys

from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """End the thread, and nothing more, it is hoped."""
    sys.exit(3)
