"""A synchronous handler: it blocks the SDK's event loop while it works."""

import time
from typing import Any

import runpod


def handler(job: dict[str, Any]) -> Any:
    """Block, then return."""
    time.sleep(job["input"].get("sleep", 0))
    return {"echo": job["input"]}


if __name__ == "__main__":
    runpod.serverless.start({"handler": handler})
