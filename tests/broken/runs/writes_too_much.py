"""writes_too_much: writes more than its slot takes."""

from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Write twice what is allowed."""
    context.output("text").write_bytes(b"x" * 2000)
    return Result()
