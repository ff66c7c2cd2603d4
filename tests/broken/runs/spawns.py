"""spawns: starts a process in a group of its own and waits for it; obeys by killing the group."""

import subprocess
from pathlib import Path

from shared.processes import kill_group
from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Wait for the child; its pid goes into the marker."""
    child = subprocess.Popen(["sleep", str(params.seconds or 3600)], process_group=0)
    if params.marker:
        Path(params.marker).write_text(str(child.pid))
    while child.poll() is None:
        if context.cancel.wait(0.05):
            kill_group(child.pid)
            child.wait()
            context.cancel.check()
    context.output("text").write_text("slept")
    return Result()
