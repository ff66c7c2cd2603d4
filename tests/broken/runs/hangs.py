"""hangs: sleeps and does not hear the order to stop."""

import time

from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Sleep through everything."""
    time.sleep(params.seconds or 3600)
    context.output("text").write_text("late")
    return Result()
