"""The pool's queue: what happens to a job, each step stored first and then told to those who wait for it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from orchestrator.changes import Changes
from orchestrator.dispatch.port import EndpointStatus
from orchestrator.pool import records
from orchestrator.pool.chunks import Chunks
from orchestrator.pool.held import Doorbell
from orchestrator.pool.options import PoolOptions
from orchestrator.pool.presence import Presence
from orchestrator.pool.records import NewJob, PoolJob, RunningJob, TakenJob
from orchestrator.store.store import Store
from shared.clock import Clock
from shared.ids import new_ulid

log = structlog.get_logger()

_SWEEP_EVERY_MS = 60_000
"""Deleting ended jobs looks at every row; a read hides what is too old anyway."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a client asks for; `input` is JSON text."""

    input: str
    webhook: str | None
    execution_timeout_ms: int
    ttl_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker posted as the end of a job; `output` is JSON text."""

    output: str | None
    error: str | None


class JobQueue:
    """The jobs of one endpoint: rows in the store, wake-ups and progress in memory."""

    def __init__(self, store: Store, clock: Clock, endpoint: str, options: PoolOptions, presence: Presence) -> None:
        self._store = store
        self._clock = clock
        self.endpoint = endpoint
        self.options = options
        self.presence = presence
        self.takers = Doorbell()
        """Held takes, in the order of their coming."""
        self.nudge = asyncio.Event()
        """Set when the pool's loop has something to do before its next tick."""
        self.ended = asyncio.Event()
        """Set when a job has ended: there may be a webhook to send."""
        self.chunks = Chunks(options.max_unread_bytes)
        """What workers stream and nobody has read yet."""
        self._changes = Changes()
        self._progress: dict[str, Any] = {}
        self._swept_ms = 0

    async def submit(self, request: JobRequest, suffix: str) -> str:
        """Store a job and wake a worker for it; return its id."""
        now_ms = self._clock.now_ms()
        job_id = f"{new_ulid(self._clock).lower()}-{suffix}"
        job = NewJob(
            id=job_id,
            endpoint=self.endpoint,
            input=request.input,
            webhook=request.webhook,
            execution_timeout_ms=request.execution_timeout_ms,
            expires_ms=now_ms + request.ttl_ms,
            created_ms=now_ms,
        )
        await self._store.write(partial(records.insert_job, job=job))
        self._offer()
        return job_id

    async def take(self, worker_id: str, limit: int) -> list[TakenJob]:
        """Hand waiting jobs to a worker; none to one that is being drained, even since it asked."""
        if self.presence.is_draining(worker_id):
            return []
        now_ms = self._clock.now_ms()
        taken = await self._store.write(
            partial(records.take_jobs, endpoint=self.endpoint, worker_id=worker_id, limit=limit, now_ms=now_ms)
        )
        for job in taken:
            self.presence.done_with(worker_id, job.id)
        if taken and self.presence.is_draining(worker_id):
            await self.give_back(worker_id, [job.id for job in taken])
            return []
        return taken

    async def give_back(self, worker_id: str, job_ids: Collection[str]) -> None:
        """Requeue jobs that never reached their worker, or that it lost by no fault of theirs."""
        for job_id in job_ids:
            await self._store.write(partial(records.requeue_job, job_id=job_id, worker_id=worker_id, as_retry=False))
            self._begin_anew(job_id)

    async def find(self, job_id: str) -> PoolJob | None:
        """Return a job; None if it is unknown or forgotten."""
        now_ms = self._clock.now_ms()
        return await self._store.glance(
            partial(
                records.find_job,
                endpoint=self.endpoint,
                job_id=job_id,
                now_ms=now_ms,
                ended_after_ms=self._kept_since_ms(now_ms),
            )
        )

    def progress(self, job_id: str) -> Any:
        """Return the last progress of a running job; None if there was none since this server's start."""
        return self._progress.get(job_id)

    async def wait_for_end(self, job_id: str, wait_s: float) -> PoolJob | None:
        """Return the job once it has ended or the time is over."""
        deadline_s = asyncio.get_running_loop().time() + wait_s
        while (job := await self.find(job_id)) is not None and not job.status.terminal:
            remaining_s = deadline_s - asyncio.get_running_loop().time()
            if remaining_s <= 0:
                break
            # The cap mends an end that was announced between the read and the wait.
            await self._changes.wait(job_id, min(remaining_s, 1.0))
        return job

    async def wait_for_chunks(self, job_id: str, wait_s: float) -> PoolJob | None:
        """Return the job once there is a chunk to read, the job has ended, or the time is over."""
        deadline_s = asyncio.get_running_loop().time() + wait_s
        while (job := await self.find(job_id)) is not None and not (job.status.terminal or job_id in self.chunks):
            remaining_s = deadline_s - asyncio.get_running_loop().time()
            if remaining_s <= 0:
                break
            await self._changes.wait(job_id, min(remaining_s, 1.0))
        return job

    async def note_progress(self, worker_id: str, job_id: str, progress: Any) -> None:
        """Keep a progress value, if that worker still has that job."""
        if await self._holds(worker_id, job_id):
            self._progress[job_id] = progress

    async def note_chunk(self, worker_id: str, job_id: str, chunk: str) -> None:
        """Keep a streamed chunk (JSON text) until it is read, if that worker still has that job."""
        if await self._holds(worker_id, job_id):
            self.chunks.add(job_id, chunk, self._clock.now_ms())
            self._changes.announce(job_id)

    async def finish(self, worker_id: str, job_id: str, outcome: Outcome) -> bool:
        """End a job as its worker reports; False if that worker no longer holds it: the first end stands."""
        status = EndpointStatus.COMPLETED if outcome.error is None else EndpointStatus.FAILED
        self.presence.done_with(worker_id, job_id)
        return await self._end(job_id, status, outcome, worker_id)

    async def cancel(self, job_id: str) -> PoolJob | None:
        """Cancel an open job and have its worker stop it; return the job as it then stands."""
        return await self._stop(job_id, EndpointStatus.CANCELLED, None)

    async def retry(self, job_id: str) -> PoolJob | None:
        """Put a job that FAILED or TIMED_OUT back into the queue; return the job as it then stands, changed or not."""
        now_ms = self._clock.now_ms()
        retried = partial(records.retry_job, endpoint=self.endpoint, job_id=job_id, now_ms=now_ms)
        job = await self.find(job_id)
        if job is not None and await self._store.write(retried):
            self._begin_anew(job_id)
            job = await self.find(job_id)
        return job

    async def purge(self) -> int:
        """Remove every job that waits for a worker, as if it had never been; return how many there were."""
        removed = await self._store.write(partial(records.delete_waiting, endpoint=self.endpoint))
        for job_id in removed:
            self._changes.announce(job_id)
        return len(removed)

    async def time_out(self, job_id: str) -> None:
        """End a job that ran for too long and have its worker stop it."""
        await self._stop(job_id, EndpointStatus.TIMED_OUT, "job exceeded its execution timeout")

    async def lose(self, job: RunningJob, reason: str) -> None:
        """Take a job from a worker that is lost: back into the queue, or FAILED after too many retries."""
        became = await self._store.write(
            partial(
                records.lose_job,
                job_id=job.id,
                worker_id=job.worker_id,
                reason=reason,
                max_retries=self.options.max_retries,
                now_ms=self._clock.now_ms(),
            )
        )
        if became is None:
            return
        log.warning("pool_job.lost", pool_job_id=job.id, worker_id=job.worker_id, reason=reason, became=became.value)
        if became is EndpointStatus.IN_QUEUE:
            self._begin_anew(job.id)
        else:
            self._announce_end(job.id)

    async def running(self) -> list[RunningJob]:
        """Return the jobs in workers' hands."""
        return await self._store.read(partial(records.running_jobs, endpoint=self.endpoint))

    async def waiting(self) -> int:
        """Return how many jobs wait for a worker."""
        now_ms = self._clock.now_ms()
        return await self._store.read(partial(records.count_waiting, endpoint=self.endpoint, now_ms=now_ms))

    async def counts(self) -> dict[str, int]:
        """Return the numbers of kept jobs as RunPod's health names them."""
        by_status, retried = await self._store.read(partial(records.count_jobs, endpoint=self.endpoint))
        return {
            "completed": by_status.get(EndpointStatus.COMPLETED, 0),
            "failed": by_status.get(EndpointStatus.FAILED, 0) + by_status.get(EndpointStatus.TIMED_OUT, 0),
            "inProgress": by_status.get(EndpointStatus.IN_PROGRESS, 0),
            "inQueue": by_status.get(EndpointStatus.IN_QUEUE, 0),
            "retried": retried,
        }

    async def sweep(self) -> None:
        """Forget jobs past their time to live, even running ones, and now and then the results kept long enough."""
        now_ms = self._clock.now_ms()
        if await self._store.glance(partial(records.expired_jobs, endpoint=self.endpoint, now_ms=now_ms)):
            delete = partial(records.delete_expired, endpoint=self.endpoint, now_ms=now_ms)
            for job_id, worker_id in await self._store.write(delete):
                self._progress.pop(job_id, None)
                self._changes.announce(job_id)
                if worker_id is not None:
                    self.presence.stop(worker_id, job_id)
        if now_ms - self._swept_ms >= _SWEEP_EVERY_MS:
            self._swept_ms = now_ms
            self.chunks.forget_before(self._kept_since_ms(now_ms))
            await self._store.write(
                partial(records.delete_ended, endpoint=self.endpoint, ended_before_ms=self._kept_since_ms(now_ms))
            )

    async def _holds(self, worker_id: str, job_id: str) -> bool:
        job = await self.find(job_id)
        return job is not None and job.status is EndpointStatus.IN_PROGRESS and job.worker_id == worker_id

    def _kept_since_ms(self, now_ms: int) -> int:
        return now_ms - round(self.options.result_ttl_s * 1000)

    async def _stop(self, job_id: str, status: EndpointStatus, error: str | None) -> PoolJob | None:
        job = await self.find(job_id)
        if job is None or job.status.terminal:
            return job
        await self._end(job_id, status, Outcome(None, error))
        ended = await self.find(job_id)
        # The row tells who had it at its end: it may have changed hands since it was found.
        if ended is not None and ended.status is status and ended.worker_id is not None:
            self.presence.stop(ended.worker_id, job_id)
        return ended

    async def _end(self, job_id: str, status: EndpointStatus, outcome: Outcome, worker_id: str | None = None) -> bool:
        ended = await self._store.write(
            partial(
                records.end_job,
                job_id=job_id,
                status=status,
                now_ms=self._clock.now_ms(),
                output=outcome.output,
                error=outcome.error,
                worker_id=worker_id,
            )
        )
        if ended:
            self._announce_end(job_id)
        return ended

    def _announce_end(self, job_id: str) -> None:
        self._progress.pop(job_id, None)
        self._changes.announce(job_id)
        self.ended.set()

    def _begin_anew(self, job_id: str) -> None:
        """Forget what an earlier run of a job has told, and offer the job."""
        self._progress.pop(job_id, None)
        self.chunks.forget(job_id)
        self._offer()

    def _offer(self) -> None:
        self.takers.ring()
        self.nudge.set()
