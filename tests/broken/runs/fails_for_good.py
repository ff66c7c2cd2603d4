"""fails_for_good: fails in a way that no retry mends."""

from shared.errors import MediaCorrupt
from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Raise a typed error that is final."""
    raise MediaCorrupt("The picture is damaged.")
