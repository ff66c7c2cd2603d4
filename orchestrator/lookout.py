"""Noticing what other processes changed: one look a second for all jobs that are followed here."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from orchestrator.changes import Changes
from orchestrator.store.events import versions_of
from orchestrator.store.store import Store
from shared.errors import AdapterError

LOOK_EVERY_S = 1.0

log = structlog.get_logger()


class Lookout:
    """Compares the versions of the watched jobs, and announces those that have moved; rests while none is watched."""

    def __init__(self) -> None:
        self._watched: Counter[str] = Counter()
        self._versions: dict[str, int | None] = {}
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def watching(self, store: Store, changes: Changes, job_id: str) -> Iterator[None]:
        """Announce every change of `job_id` to `changes` within about a second, while the block lasts."""
        self._watched[job_id] += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_again(store, changes))
        try:
            yield
        finally:
            self._watched[job_id] -= 1
            if not self._watched[job_id]:
                del self._watched[job_id]
                self._versions.pop(job_id, None)
            if not self._watched:
                self._looking.cancel()
                self._looking = None

    async def _look_again(self, store: Store, changes: Changes) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            watched = list(self._watched)
            try:
                found = await store.read(lambda connection, ids=watched: versions_of(connection, ids))  # type: ignore[misc]
            except AdapterError as failed:
                log.warning("lookout.look_failed", code=failed.code)
                continue
            for job_id in watched:
                version = found.get(job_id)  # none: the job was deleted, and that is a change too
                if job_id in self._watched and self._versions.get(job_id, -1) != version:
                    self._versions[job_id] = version
                    changes.announce(job_id)
