"""Who is there: what workers' pings and polls have said since this server's start, and what they are to be told."""

import asyncio
from collections import deque
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile

from shared.clock import Clock

_OFFER_EVERY_MS = 1_000
"""The SDK asks again at once after a non-empty answer, so the same stop is repeated only this often."""
_FORGET_AFTER_MS = 3_600_000
_RESTART_GAP_MS = 2_000
"""An idle SDK worker always has a poll open (or sleeps 1 s); no poll for so long means a new process."""


@dataclass(frozen=True, slots=True)
class _Ping:
    at_ms: int
    job_ids: frozenset[str]


@dataclass(slots=True)
class _Stop:
    since_ms: int
    offer_ms: int


@dataclass(slots=True)
class SeenWorker:
    """One worker. `draining` gets no more jobs; `overdue` did not stop a job in time and has to be killed."""

    met_ms: int
    apart_ms: float
    """Two pings closer than this may be one and its repetition."""
    pings: deque[_Ping] = field(default_factory=lambda: deque(maxlen=8))
    last_ping_ms: int | None = None
    last_poll_ms: int | None = None
    noted_ping_ms: int | None = None
    """When its ping was last written to the store."""
    open_polls: int = 0
    draining: bool = False
    overdue: bool = False
    stops: dict[str, _Stop] = field(default_factory=dict)
    turn: asyncio.Event | None = None
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is something to tell at its stop channel."""

    def lacks(self, job_id: str, since_ms: int) -> bool:
        """Whether the last two pings, both after `since_ms`, do not list the job: the worker has it not (any more).

        One is not enough: it may carry a list from before the job was taken.
        """
        without = takewhile(lambda ping: ping.at_ms > since_ms and job_id not in ping.job_ids, reversed(self.pings))
        times = [ping.at_ms for ping in without]
        return len(times) >= 2 and times[0] - times[-1] >= self.apart_ms

    @property
    def last_heard_ms(self) -> int:
        """When it last pinged or polled; 0 if it never did."""
        return max(self.last_ping_ms or 0, self.last_poll_ms or 0)

    def lists(self, job_id: str) -> bool:
        """Whether the last ping lists the job."""
        return bool(self.pings) and job_id in self.pings[-1].job_ids


class Presence:
    """All workers seen since the start. Lives on the event loop; nothing here waits."""

    def __init__(self, clock: Clock, ping_interval_s: float) -> None:
        self._clock = clock
        self._apart_ms = ping_interval_s * 500
        self._workers: dict[str, SeenWorker] = {}
        self._closed = False

    def get(self, worker_id: str) -> SeenWorker | None:
        """Return what has been seen of a worker."""
        return self._workers.get(worker_id)

    def forget(self, worker_id: str) -> None:
        """Drop a worker that is gone for good."""
        self._workers.pop(worker_id, None)

    def pinged(self, worker_id: str, job_ids: Set[str]) -> SeenWorker:
        """Note a ping."""
        seen = self._meet(worker_id)
        seen.last_ping_ms = self._clock.now_ms()
        seen.pings.append(_Ping(seen.last_ping_ms, frozenset(job_ids)))
        return seen

    @contextmanager
    def polling(self, worker_id: str, *, local: bool) -> Iterator[SeenWorker]:
        """Note that a worker has a poll open."""
        seen = self._meet(worker_id)
        now_ms = self._clock.now_ms()
        quiet = seen.open_polls == 0 and now_ms - (seen.last_poll_ms or now_ms) > _RESTART_GAP_MS
        if quiet and seen.draining and not local and not self._closed:
            seen.draining = False  # whoever runs it has recycled it
        seen.open_polls += 1
        seen.last_poll_ms = now_ms
        try:
            yield seen
        finally:
            seen.open_polls -= 1
            seen.last_poll_ms = self._clock.now_ms()

    def waits_for(self, worker_id: str, turn: asyncio.Event) -> asyncio.Event:
        """Note the turn that a worker's held take waits for, so that draining can end the wait; return it."""
        self._meet(worker_id).turn = turn
        return turn

    def drain(self, worker_id: str) -> None:
        """Give a worker no more jobs, and end its polls soon: it can't exit before them."""
        seen = self._meet(worker_id)
        seen.draining = True
        seen.told.set()
        if seen.turn is not None:
            seen.turn.set()

    def drain_all(self) -> None:
        """Give nobody any more jobs, those who have yet to come included."""
        self._closed = True
        for worker_id in list(self._workers):
            self.drain(worker_id)

    def is_draining(self, worker_id: str) -> bool:
        """Whether a worker gets no more jobs."""
        seen = self._workers.get(worker_id)
        return seen is not None and seen.draining

    def stop(self, worker_id: str, job_id: str) -> None:
        """Tell a worker to stop a job, again and again until its pings list it no more."""
        seen = self._meet(worker_id)
        now_ms = self._clock.now_ms()
        seen.stops.setdefault(job_id, _Stop(now_ms, now_ms))
        seen.told.set()

    def done_with(self, worker_id: str, job_id: str) -> None:
        """Note that a worker is done with a job, or begins it anew: what was said of it before no longer counts."""
        if seen := self._workers.get(worker_id):
            seen.stops.pop(job_id, None)
            for n, ping in enumerate(seen.pings):
                seen.pings[n] = _Ping(ping.at_ms, ping.job_ids - {job_id})

    def stop_strays(self, held: Set[tuple[str, str]]) -> None:
        """Stop every job that a worker's last two pings list and that is not its own in `held` (worker, job).

        It was taken from the worker while that was silent, or its stop was forgotten in this server's restart.
        """
        for worker_id, seen in self._workers.items():
            if len(seen.pings) >= 2:
                for job_id in seen.pings[-1].job_ids & seen.pings[-2].job_ids:
                    if (worker_id, job_id) not in held:
                        self.stop(worker_id, job_id)

    def stops_to_offer(self, worker_id: str) -> list[str]:
        """Return the jobs that a worker is to be told to stop now."""
        now_ms = self._clock.now_ms()
        seen = self._workers[worker_id]
        due = [job_id for job_id, stop in seen.stops.items() if stop.offer_ms <= now_ms]
        for job_id in due:
            seen.stops[job_id].offer_ms = now_ms + _OFFER_EVERY_MS
        seen.told.clear()
        return due

    def settle_stops(self, grace_s: float) -> None:
        """Forget the stops that were obeyed; mark as overdue who still has the job after `grace_s`."""
        now_ms = self._clock.now_ms()
        for worker_id, seen in list(self._workers.items()):
            for job_id, stop in list(seen.stops.items()):
                late = now_ms - stop.since_ms > grace_s * 1000
                if seen.lacks(job_id, stop.since_ms):
                    del seen.stops[job_id]
                elif seen.last_ping_ms is None and late:
                    seen.overdue = True
                    del seen.stops[job_id]
                elif seen.lists(job_id) and seen.pings[-1].at_ms - stop.since_ms > grace_s * 1000:
                    seen.overdue = True
            if not seen.open_polls and now_ms - max(seen.met_ms, seen.last_heard_ms) > _FORGET_AFTER_MS:
                del self._workers[worker_id]

    def present(self, lease_s: float) -> list[str]:
        """Return the workers that have a poll open or were heard of within `lease_s`."""
        since_ms = self._clock.now_ms() - lease_s * 1000
        return [key for key, seen in self._workers.items() if seen.open_polls or seen.last_heard_ms > since_ms]

    def _meet(self, worker_id: str) -> SeenWorker:
        fresh = SeenWorker(self._clock.now_ms(), self._apart_ms, draining=self._closed)
        return self._workers.setdefault(worker_id, fresh)
