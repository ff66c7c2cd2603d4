"""Running a loop: a tick now and then, sooner when woken, and no failure of one tick ends it."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.errors import AdapterError

_PAUSE_S = 0.02
"""Between two ticks, however often the loop is woken: what wakes it hundreds of times a second is done in one go."""

log = structlog.get_logger()


async def run_loop(name: str, tick: Callable[[], Awaitable[None]], interval_s: float, wake: asyncio.Event) -> None:
    """Call `tick` every `interval_s`, and at once when `wake` is set after a pause, until cancelled."""
    while True:
        wake.clear()
        try:
            await tick()
        except AdapterError as failed:
            log.warning("loop.tick_failed", loop=name, reason=failed.detail)
        except Exception:
            log.exception("loop.tick_failed", loop=name)
        await asyncio.sleep(_PAUSE_S)
        try:
            async with asyncio.timeout(interval_s):
                await wake.wait()
        except TimeoutError:
            continue
