"""note: the writing."""

from shared.errors import MediaCorrupt
from tests.fuzz.contracts.note import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Write the text, or fail."""
    if params.end == "failed":
        raise MediaCorrupt
    text = params.text * params.times
    context.output("text").write_text(text, encoding="utf-8")
    return Result(characters=len(text))
