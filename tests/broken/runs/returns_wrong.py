"""returns_wrong: returns something other than its Result."""

from tests.broken.contract import Params
from worker.context import Context


def run(params: Params, context: Context) -> dict[str, str]:
    """Return a dictionary."""
    context.output("text").write_text("fine")
    return {"note": params.text}
