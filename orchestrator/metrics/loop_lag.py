"""How late the event loop is: what holds it up holds up every request."""

import asyncio

from orchestrator.metrics.instruments import Metrics

EVERY_S = 0.5


async def watch_event_loop(metrics: Metrics) -> None:
    """Measure by how much a short sleep lasts too long, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + EVERY_S
        await asyncio.sleep(EVERY_S)
        metrics.loop_lag.observe(max(0.0, loop.time() - due_s))
