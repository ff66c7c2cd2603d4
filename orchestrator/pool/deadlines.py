"""Time's part in the pool: time to live, execution time-outs, lost workers, stops that were not obeyed."""

from orchestrator.pool.options import PoolOptions
from orchestrator.pool.presence import Presence
from orchestrator.pool.queue import JobQueue
from orchestrator.pool.records import RunningJob


async def tick(queue: JobQueue, started_ms: int, now_ms: int) -> list[RunningJob]:
    """End or requeue what is overdue at `now_ms`; return the jobs that are still running."""
    await queue.sweep()
    remaining = []
    for job in await queue.running():
        if now_ms - job.taken_ms > job.execution_timeout_ms:
            await queue.time_out(job.id)
        elif reason := why_lost(job, queue.presence, queue.options, started_ms, now_ms):
            await queue.lose(job, reason)
        else:
            remaining.append(job)
    queue.presence.stop_strays({(job.worker_id, job.id) for job in remaining})
    queue.presence.settle_stops(queue.options.stop_grace_s)
    return remaining


def why_lost(job: RunningJob, presence: Presence, options: PoolOptions, started_ms: int, now_ms: int) -> str | None:
    """Return why a job's worker can't be running it any more; None if it may be.

    A worker that has never pinged is judged by the execution time-out alone: under some ways of starting it, the
    SDK's ping process dies at once while its jobs run well.
    """
    if not job.worker_known:
        return "it is gone"
    seen = presence.get(job.worker_id)
    if seen is None or seen.last_ping_ms is None:
        waited_ms = now_ms - max(started_ms, job.taken_ms)
        silent = job.worker_last_ping_ms is not None and waited_ms > options.restart_grace_s * 1000
        return "it did not come back" if silent else None
    if now_ms - seen.last_ping_ms > options.lease_s * 1000:
        return "it stopped pinging"
    if seen.lacks(job.id, job.taken_ms):
        return "it has the job no more and sent no result"
    return None
