"""The open event streams: how many a tenant has, what wakes them, and their end with the server's."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.changes import Changes
from orchestrator.lookout import Lookout
from orchestrator.store.store import Store
from shared.refusals import TooManyStreams


class Place:
    """One tenant's right to one open stream."""

    def __init__(self, taken: Counter[str], tenant: str) -> None:
        taken[tenant] += 1
        self._taken = taken
        self._tenant: str | None = tenant

    def give_back(self) -> None:
        """Let another stream have it; may be called twice."""
        if self._tenant is None:
            return
        self._taken[self._tenant] -= 1
        if not self._taken[self._tenant]:
            del self._taken[self._tenant]
        self._tenant = None


class Streams:
    """All streams of this server."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._lookout = Lookout()
        self._wakes: set[asyncio.Event] = set()
        self.closing = False
        """Whether streams shall end now."""

    def __len__(self) -> int:
        return self._taken.total()

    def take_place(self, tenant: str, limit: int) -> Place:
        """Return a place; TooManyStreams if the tenant has `limit` of them."""
        if self._taken[tenant] >= limit:
            raise TooManyStreams(f"This tenant has {limit} event streams open, and no more are allowed.")
        return Place(self._taken, tenant)

    @contextmanager
    def following(self, store: Store, changes: Changes, job_id: str) -> Iterator[asyncio.Event]:
        """Yield what is set by every change of the job, whoever made it, and by `close`."""
        with changes.listening(job_id) as wake, self._lookout.watching(store, changes, job_id):
            self._wakes.add(wake)
            try:
                yield wake
            finally:
                self._wakes.discard(wake)

    def close(self) -> None:
        """Let every stream end: a server that stops would otherwise wait for them in vain."""
        self.closing = True
        for wake in self._wakes:
            wake.set()
