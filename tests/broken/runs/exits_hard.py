"""exits_hard: takes the whole worker process along; only the first time, if it has a marker."""

import os
from pathlib import Path

from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """End the process without a word."""
    if not params.marker or not Path(params.marker).exists():
        if params.marker:
            Path(params.marker).touch()
        os._exit(9)
    context.output("text").write_text("survived")
    return Result()
