"""echo: writes its text to a file."""

import os
import time
from pathlib import Path

from tests.broken.contracts.echo import Params, Result, TextFacts
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Sleep, then write; progress is told about ten times a second."""
    if params.journal:
        with Path(params.journal).open("a") as journal:
            journal.write(f"{params.text} {os.getpid()}\n")
    source = context.input(params.image).path.read_bytes() if params.image else b""
    _sleep(params.sleep_s, context)
    context.output("text").write_bytes(params.text.encode() + source)
    return Result(
        text=TextFacts(characters=len(params.text)), pid=os.getpid(), threads=context.threads, source_bytes=len(source)
    )


def _sleep(seconds: float, context: Context) -> None:
    start = time.monotonic()
    while (passed_s := time.monotonic() - start) < seconds:
        context.progress("echo", passed_s / seconds)
        context.cancel.wait(min(0.1, seconds - passed_s))
        context.cancel.check()
