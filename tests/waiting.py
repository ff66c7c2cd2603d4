"""Waiting until something is so, for a bounded time."""

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Return as soon as `condition()` holds; AssertionError after `timeout_s`."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, f"did not happen within {timeout_s} s"
        await asyncio.sleep(0.01)


def until_now(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Do the same without an event loop."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, f"did not happen within {timeout_s} s"
        time.sleep(0.01)
