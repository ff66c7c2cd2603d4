"""writes_nothing: succeeds without a file."""

from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Do nothing."""
    return Result()
