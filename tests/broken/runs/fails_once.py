"""fails_once: fails in a way that a retry mends: the second run, by its marker, succeeds."""

from pathlib import Path

from shared.errors import EncodeFailed
from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Raise a typed error that is not final, once."""
    marker = Path(params.marker)
    if not marker.exists():
        marker.touch()
        raise EncodeFailed
    context.output("text").write_text("second time lucky")
    return Result()
