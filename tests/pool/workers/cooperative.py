"""An async handler that does what its input says; the first argument is its concurrency."""

import asyncio
import os
import sys
import time
from typing import Any

import runpod

CONCURRENCY = int(sys.argv[1]) if len(sys.argv) > 1 else 1


async def handler(job: dict[str, Any]) -> Any:
    """Report and sleep, then return, raise, or misbehave."""
    work = job["input"]
    print("HANDLER BEGUN", job["id"], flush=True)
    for step in range(work.get("progress", 0)):
        runpod.serverless.progress_update(job, {"step": step})
    time.sleep(work.get("block", 0))  # noqa: ASYNC251 - a handler that can't be stopped
    try:
        await asyncio.sleep(work.get("sleep", 0))
    except asyncio.CancelledError:
        print("HANDLER CANCELLED", job["id"], flush=True)
        if not work.get("stubborn"):
            raise
        await asyncio.sleep(work["stubborn"])
    if work.get("late_progress"):
        asyncio.get_running_loop().call_later(0.3, runpod.serverless.progress_update, job, {"late": True})
    return ending(work)


def ending(work: dict[str, Any]) -> Any:
    """Return what the input asks for."""
    if "raise" in work:
        raise ValueError(work["raise"])
    if "exit" in work:
        os._exit(work["exit"])
    if work.get("unserialisable"):
        return {"value": object()}
    if "megabytes" in work:
        return {"text": "x" * (work["megabytes"] << 20)}
    if work.get("environment"):
        return dict(os.environ)
    return {"echo": work, "pid": os.getpid(), "refresh_worker": work.get("refresh", False)}


if __name__ == "__main__":
    runpod.serverless.start({"handler": handler, "concurrency_modifier": lambda _current: CONCURRENCY})
