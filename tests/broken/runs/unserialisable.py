"""unserialisable: returns what JSON can't say."""

from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Return a bare object within the Result."""
    context.output("text").write_text("fine")
    return Result(note=object())
