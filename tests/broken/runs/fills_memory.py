"""fills_memory: runs out of memory."""

from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Raise what an allocation would."""
    raise MemoryError
