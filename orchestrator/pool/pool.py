"""The pool: RunPod's endpoint protocol on our own queue, mounted at `/v2/{endpoint}`."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog
from starlette.routing import Route

from orchestrator.pool import credentials, deadlines
from orchestrator.pool.credentials import Worker
from orchestrator.pool.local_workers import LocalOptions, LocalWorkers
from orchestrator.pool.options import PoolOptions
from orchestrator.pool.presence import Presence
from orchestrator.pool.protocol.client import ClientHalf
from orchestrator.pool.protocol.worker import WorkerHalf
from orchestrator.pool.queue import JobQueue
from orchestrator.pool.webhook import Webhooks
from orchestrator.store.store import Store
from shared.clock import Clock
from shared.errors import RevelaError
from shared.refusals import InvalidRequest

log = structlog.get_logger()

_WORKER_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_MIN_PAUSE_S = 0.02
"""Between two ticks, however often the loop is nudged."""


class Pool:
    """One endpoint. Mount `routes()`, keep `run()` running, and `close()` at the end.

    One process serves an endpoint at a time: who waits and who has pinged is in its memory.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        endpoint: str,
        client_keys: Sequence[str],
        options: PoolOptions | None = None,
        local: LocalOptions | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._options = options or PoolOptions()
        self._presence = Presence(clock, self._options.ping_interval_s)
        self._queue = JobQueue(store, clock, endpoint, self._options, self._presence)
        self._webhooks = Webhooks(store, self._queue, self._options)
        self._local = LocalWorkers(store, clock, self._queue, local) if local is not None else None
        self._clients = ClientHalf(self._queue, client_keys, self.health)
        self._workers = WorkerHalf(store, clock, self._queue)
        self._started_ms = clock.now_ms()

    def routes(self) -> list[Route]:
        """Return both halves' routes, paths from the server's root."""
        return [*self._clients.routes(), *self._workers.routes()]

    async def run(self) -> None:
        """Work until cancelled: twice a second, and at once when there is something to do."""
        await self.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self.tick, self._queue.nudge))
            # Apart, because a receiver that answers slowly must not hold up the leases.
            group.create_task(self._repeat(self._webhooks.tick, self._queue.ended))

    async def _repeat(self, tick: Callable[[int], Awaitable[None]], nudge: asyncio.Event) -> None:
        while True:
            nudge.clear()
            try:
                await tick(self._clock.now_ms())
            except RevelaError as failed:
                log.warning("pool.tick_failed", code=failed.code, detail=failed.detail)
            except Exception:  # one tick's defect must not stop all later ones
                log.exception("pool.tick_failed", code="internal")
            await asyncio.sleep(_MIN_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._options.tick_s):
                    await nudge.wait()

    async def start(self) -> None:
        """Forget an earlier run's local workers; the first tick then requeues their jobs."""
        await self._store.write(partial(credentials.delete_local_workers, endpoint=self._queue.endpoint))
        self._started_ms = self._clock.now_ms()

    async def tick(self, now_ms: int) -> None:
        """Do what is due at `now_ms`; webhooks apart."""
        running = await deadlines.tick(self._queue, self._started_ms, now_ms)
        if self._local is not None:
            await self._local.tick(running, now_ms)

    async def close(self) -> None:
        """Stop the local workers, giving their jobs back to the queue, and let go of held polls; may be called twice.

        Call it before the server stops listening: workers that meet a closed port ask again without a pause.
        """
        self._presence.drain_all()
        if self._local is not None:
            await self._local.close()
        await self._webhooks.close()

    async def issue_worker(self, worker_id: str, *, local: bool = False) -> str:
        """Return a fresh token for a worker of that id; an older one of the same id becomes worthless.

        InvalidRequest if the id can't stand in an address.
        """
        if not _WORKER_ID.fullmatch(worker_id):
            raise InvalidRequest("a worker's id is 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-'")
        token = credentials.new_token()
        worker = Worker(worker_id, self._queue.endpoint, credentials.token_hash(token), local)
        await self._store.write(partial(credentials.put_worker, worker=worker, now_ms=self._clock.now_ms()))
        return token

    async def revoke_worker(self, worker_id: str) -> None:
        """Let a worker in no more; its jobs go to others."""
        now_ms = self._clock.now_ms()
        await self._store.write(partial(credentials.revoke_worker, worker_id=worker_id, now_ms=now_ms))
        self._presence.forget(worker_id)
        self._queue.nudge.set()

    async def health(self) -> dict[str, dict[str, int]]:
        """Return the numbers of jobs and workers in RunPod's words; `throttled` never happens here."""
        busy = {job.worker_id for job in await self._queue.running()}
        present = set(self._presence.present(self._options.lease_s)) | busy
        idle = sum(1 for worker_id in present - busy if not self._presence.is_draining(worker_id))
        workers = {
            "idle": idle,
            "initializing": self._local.starting if self._local is not None else 0,
            "ready": idle,
            "running": len(busy),
            "throttled": 0,
            "unhealthy": self._local.unhealthy if self._local is not None else 0,
        }
        return {"jobs": await self._queue.counts(), "workers": workers}
