"""Counting jobs and items from their history, so that each counts once, whatever becomes of a transaction.

On PostgreSQL, with several servers, an event may become visible after one with a higher number and is then left out;
every server counts all that happens in the database, so of several the highest tells.
"""

import asyncio

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from orchestrator.metrics.instruments import Metrics
from orchestrator.store.store import Store
from orchestrator.store.tables import events, jobs
from shared.wire.status import Status

EVENTS_AT_ONCE = 5000
"""Of the history, in one read: as much as keeps a reader for a few tens of milliseconds."""

_STATUS = events.c.data["status"].as_string()
_NEW = (events.c.seq > sa.bindparam("after")) & (events.c.seq <= sa.bindparam("until"))
_NEWEST = sa.select(sa.func.max(events.c.seq))
_CHANGED_JOBS = (
    sa.select(
        _STATUS.label("status"),
        jobs.c.operation,
        jobs.c.created_ms,
        jobs.c.started_ms,
        jobs.c.execution_ms,
        jobs.c.cost,
    )
    .join(jobs, jobs.c.id == events.c.job_id)
    .where(_NEW, events.c.type == "status")
)
_ENDED_ITEMS = (
    sa.select(_STATUS.label("status"), jobs.c.operation, sa.func.count().label("ended"))
    .join(jobs, jobs.c.id == events.c.job_id)
    .where(_NEW, events.c.type == "item")
    .group_by(_STATUS, jobs.c.operation)
)

_Rows = list[Row[*tuple[object, ...]]]


class Tally:
    """Counts what came into the history since the last look; what was there at the first look is past."""

    def __init__(self) -> None:
        self._seen: int | None = None
        self._lock = asyncio.Lock()

    async def tick(self, store: Store, metrics: Metrics, currency: str) -> None:
        """Count what is new; jobs' costs are in `currency`."""
        async with self._lock:
            newest = await store.read(lambda connection: connection.execute(_NEWEST).scalar() or 0)
            seen = newest if self._seen is None else self._seen
            while seen < newest:
                until = min(newest, seen + EVENTS_AT_ONCE)
                changed, ended = await store.read(lambda c, seen=seen, until=until: read_span(c, seen, until))  # type: ignore[misc]
                for job in changed:
                    _count_job(job, metrics, currency)
                for row in ended:
                    metrics.items_ended.labels(row.operation, row.status).inc(row.ended)
                seen = self._seen = until
            self._seen = seen


def _count_job(job: Row[*tuple[object, ...]], metrics: Metrics, currency: str) -> None:
    status = Status(job.status)
    if status is Status.IN_QUEUE:
        metrics.jobs_submitted.labels(job.operation).inc()
    elif status is Status.IN_PROGRESS:
        metrics.job_delay.labels(job.operation).observe(max(0, job.started_ms - job.created_ms) / 1000)
    else:
        metrics.jobs_ended.labels(job.operation, status).inc()
        if job.started_ms is not None:
            metrics.job_execution.labels(job.operation).observe(job.execution_ms / 1000)
        if job.cost is not None:
            metrics.cost.labels(job.operation, currency).inc(job.cost)


def read_span(connection: Connection, after: int, until: int) -> tuple[_Rows, _Rows]:
    """Return the changes of status with their jobs' facts, and how many items ended, behind `after` up to `until`."""
    span = {"after": after, "until": until}
    return list(connection.execute(_CHANGED_JOBS, span)), list(connection.execute(_ENDED_ITEMS, span))
