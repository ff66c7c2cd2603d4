"""A generator handler: what it yields is streamed; with an argument it is gathered for the result too."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import runpod


async def handler(job: dict[str, Any]) -> AsyncIterator[Any]:
    """Yield `chunks` of them, `pause` seconds apart, then perhaps fail."""
    work = job["input"]
    for n in range(work["chunks"]):
        yield {"n": n, "text": "é" + "x" * work.get("size", 0)}
        await asyncio.sleep(work.get("pause", 0))
    if work.get("fails"):
        raise ValueError("no more")


if __name__ == "__main__":
    runpod.serverless.start({"handler": handler, "return_aggregate_stream": len(sys.argv) > 1})
