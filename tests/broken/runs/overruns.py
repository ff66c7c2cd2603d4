"""overruns: takes longer than its time limit, but obeys."""

from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Wait until it is told to stop."""
    context.cancel.wait(params.seconds or 3600)
    context.cancel.check()
    return Result()
