"""slow_progress: tells its progress far more often than anyone wants to hear."""

import time

from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Report a thousand times a second."""
    start_s = time.monotonic()
    while (passed_s := time.monotonic() - start_s) < params.seconds:
        context.progress("count", passed_s / params.seconds)
        context.cancel.check()
        time.sleep(0.001)
    context.output("text").write_text("counted")
    return Result()
