"""Who waits for which job: a change in this process wakes them, and a slow look finds the rest."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Changes:
    """Wakes those who wait when a job has changed."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    def announce(self, job_id: str) -> None:
        """Say that `job_id` has changed; to be called after the commit, on the event loop."""
        for event in self._waiting.get(job_id, ()):
            event.set()

    @contextmanager
    def listening(self, job_id: str) -> Iterator[asyncio.Event]:
        """Yield what every change of `job_id` sets while the block lasts; to be cleared before each read."""
        event = asyncio.Event()
        self._waiting[job_id].add(event)
        try:
            yield event
        finally:
            self._waiting[job_id].discard(event)
            if not self._waiting[job_id]:
                del self._waiting[job_id]

    async def wait(self, job_id: str, timeout_s: float) -> None:
        """Return when `job_id` changes or the time is over; the caller reads again either way."""
        with self.listening(job_id) as event:
            try:
                async with asyncio.timeout(timeout_s):
                    await event.wait()
            except TimeoutError:
                pass
