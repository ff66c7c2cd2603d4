"""The pool's jobs as rows: plain functions on a connection. A status only ever moves on, guarded in each WHERE."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.dispatch.port import OPEN_ENDPOINT_STATUSES, EndpointStatus
from orchestrator.store.prepared import Prepared, given
from orchestrator.store.tables import pool_jobs, pool_workers

_WAITING = pool_jobs.c.status == EndpointStatus.IN_QUEUE
_INSERT = Prepared(pool_jobs.insert())
_OLDEST = Prepared(
    sa.select(pool_jobs.c.id, pool_jobs.c.input)
    .where(pool_jobs.c.endpoint == given("endpoint"), _WAITING, pool_jobs.c.expires_ms > given("now_ms"))
    .order_by(pool_jobs.c.id)
    .limit(given("limit"))
)
_TAKE = Prepared(
    pool_jobs.update()
    .where(pool_jobs.c.id == given("job_id"), _WAITING)
    .values(status=EndpointStatus.IN_PROGRESS, worker_id=given("by"), taken_ms=given("now_ms"))
)
_FIND = Prepared(
    sa.select(
        pool_jobs.c.id,
        pool_jobs.c.status,
        pool_jobs.c.webhook,
        pool_jobs.c.retries,
        pool_jobs.c.worker_id,
        pool_jobs.c.output,
        pool_jobs.c.error,
        pool_jobs.c.created_ms,
        pool_jobs.c.taken_ms,
        pool_jobs.c.ended_ms,
    ).where(
        pool_jobs.c.id == given("job_id"),
        pool_jobs.c.endpoint == given("endpoint"),
        sa.or_(
            sa.and_(pool_jobs.c.ended_ms.is_(None), pool_jobs.c.expires_ms > given("now_ms")),
            pool_jobs.c.ended_ms > given("ended_after_ms"),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as it is submitted; `input` is JSON text."""

    id: str
    endpoint: str
    input: str
    webhook: str | None
    execution_timeout_ms: int
    expires_ms: int
    created_ms: int


@dataclass(frozen=True, slots=True)
class TakenJob:
    """What a worker is handed; `input` is JSON text."""

    id: str
    input: str


@dataclass(frozen=True, slots=True)
class PoolJob:
    """A job as it stands; `output` is JSON text."""

    id: str
    status: EndpointStatus
    webhook: str | None
    retries: int
    worker_id: str | None
    output: str | None
    error: str | None
    created_ms: int
    taken_ms: int | None
    ended_ms: int | None

    def status_object(self, progress: Any = None) -> dict[str, Any]:
        """Return RunPod's status object: times in milliseconds, absent where there is nothing to say."""
        body: dict[str, Any] = {"id": self.id, "status": self.status.value}
        if self.taken_ms is not None or self.ended_ms is not None:
            body["delayTime"] = (self.taken_ms or self.ended_ms or 0) - self.created_ms
        if self.ended_ms is not None:
            body["executionTime"] = self.ended_ms - (self.taken_ms or self.ended_ms)
        if self.output is not None:
            body["output"] = json.loads(self.output)
        elif progress is not None and self.status is EndpointStatus.IN_PROGRESS:
            body["output"] = progress
        optional = {"error": self.error, "retries": self.retries or None, "workerId": self.worker_id}
        return body | {key: value for key, value in optional.items() if value is not None}


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job in a worker's hands, with what the store knows of that worker."""

    id: str
    worker_id: str
    taken_ms: int
    execution_timeout_ms: int
    worker_known: bool
    worker_last_ping_ms: int | None


def insert_job(connection: Connection, job: NewJob) -> None:
    """Store a fresh job in the queue."""
    _INSERT.change(connection, {**asdict(job), "status": EndpointStatus.IN_QUEUE})


def take_jobs(connection: Connection, endpoint: str, worker_id: str, limit: int, now_ms: int) -> list[TakenJob]:
    """Hand up to `limit` waiting jobs, oldest first, to `worker_id`."""
    return [
        TakenJob(row.id, row.input)
        for row in _OLDEST.all(connection, {"endpoint": endpoint, "now_ms": now_ms, "limit": limit})
        if _TAKE.change(connection, {"job_id": row.id, "by": worker_id, "now_ms": now_ms})
    ]


def requeue_job(connection: Connection, job_id: str, worker_id: str, *, as_retry: bool) -> bool:
    """Put a job that `worker_id` holds back into the queue; False if it does not hold it."""
    changed = connection.execute(
        pool_jobs.update()
        .where(_held_by(job_id, worker_id))
        .values(
            status=EndpointStatus.IN_QUEUE,
            worker_id=None,
            taken_ms=None,
            retries=pool_jobs.c.retries + (1 if as_retry else 0),
        )
    )
    return changed.rowcount > 0


def retry_job(connection: Connection, endpoint: str, job_id: str, now_ms: int) -> bool:
    """Put a job that FAILED or TIMED_OUT, within its time to live, into the queue as if it were fresh."""
    changed = connection.execute(
        pool_jobs.update()
        .where(
            pool_jobs.c.id == job_id,
            pool_jobs.c.endpoint == endpoint,
            pool_jobs.c.status.in_((EndpointStatus.FAILED, EndpointStatus.TIMED_OUT)),
            pool_jobs.c.expires_ms > now_ms,
        )
        .values(
            status=EndpointStatus.IN_QUEUE,
            created_ms=now_ms,
            retries=0,
            webhook_state=None,
            webhook_tries=0,
            **dict.fromkeys(("worker_id", "output", "error", "taken_ms", "ended_ms", "webhook_next_ms")),
        )
    )
    return changed.rowcount > 0


def lose_job(
    connection: Connection, job_id: str, worker_id: str, reason: str, max_retries: int, now_ms: int
) -> EndpointStatus | None:
    """Take a job from a lost worker: IN_QUEUE if it may be retried, else FAILED; None if that worker has it not."""
    retries = connection.execute(sa.select(pool_jobs.c.retries).where(_held_by(job_id, worker_id))).scalar()
    if retries is None:
        return None
    if retries < max_retries:
        requeue_job(connection, job_id, worker_id, as_retry=True)
        return EndpointStatus.IN_QUEUE
    error = f"worker lost ({reason}) after {retries} retries"
    end_job(connection, job_id, EndpointStatus.FAILED, now_ms, error=error)
    return EndpointStatus.FAILED


def end_job(
    connection: Connection,
    job_id: str,
    status: EndpointStatus,
    now_ms: int,
    *,
    output: str | None = None,
    error: str | None = None,
    worker_id: str | None = None,
) -> bool:
    """Give an open job its final status and plan its webhook; with `worker_id`, only if that worker holds it."""
    where = pool_jobs.c.status.in_(OPEN_ENDPOINT_STATUSES) & (pool_jobs.c.id == job_id)
    changed = connection.execute(
        pool_jobs.update()
        .where(where if worker_id is None else _held_by(job_id, worker_id))
        .values(
            status=status,
            output=output,
            error=error,
            ended_ms=now_ms,
            webhook_state=sa.case((pool_jobs.c.webhook.is_not(None), "WAITING"), else_=None),
            webhook_next_ms=now_ms,
        )
    )
    return changed.rowcount > 0


def find_job(connection: Connection, endpoint: str, job_id: str, now_ms: int, ended_after_ms: int) -> PoolJob | None:
    """Return a job; None if it is unknown, past its time to live, or ended before `ended_after_ms`."""
    kept = {"now_ms": now_ms, "ended_after_ms": ended_after_ms}
    row = _FIND.first(connection, {"job_id": job_id, "endpoint": endpoint, **kept})
    return None if row is None else PoolJob(row.id, EndpointStatus(row.status), *row[2:])


def running_jobs(connection: Connection, endpoint: str) -> list[RunningJob]:
    """Return every job in a worker's hands."""
    worker = sa.and_(pool_workers.c.id == pool_jobs.c.worker_id, pool_workers.c.revoked_ms.is_(None))
    rows = connection.execute(
        sa.select(
            pool_jobs.c.id,
            pool_jobs.c.worker_id,
            pool_jobs.c.taken_ms,
            pool_jobs.c.execution_timeout_ms,
            pool_workers.c.id.is_not(None).label("worker_known"),
            pool_workers.c.last_ping_ms,
        )
        .select_from(pool_jobs.outerjoin(pool_workers, worker))
        .where(pool_jobs.c.endpoint == endpoint, pool_jobs.c.status == EndpointStatus.IN_PROGRESS)
    )
    return [RunningJob(*row) for row in rows]


def count_waiting(connection: Connection, endpoint: str, now_ms: int) -> int:
    """Return how many jobs wait for a worker."""
    statement = sa.select(sa.func.count()).where(
        pool_jobs.c.endpoint == endpoint,
        pool_jobs.c.status == EndpointStatus.IN_QUEUE,
        pool_jobs.c.expires_ms > now_ms,
    )
    return connection.execute(statement).scalar_one()


def count_jobs(connection: Connection, endpoint: str) -> tuple[dict[str, int], int]:
    """Return the number of kept jobs by status, and the sum of their retries."""
    rows = connection.execute(
        sa.select(pool_jobs.c.status, sa.func.count(), sa.func.sum(pool_jobs.c.retries))
        .where(pool_jobs.c.endpoint == endpoint)
        .group_by(pool_jobs.c.status)
    ).all()
    return {row[0]: row[1] for row in rows}, sum(row[2] for row in rows)


def expired_jobs(connection: Connection, endpoint: str, now_ms: int) -> list[tuple[str, str | None]]:
    """Return (id, worker) of open jobs that are past their time to live."""
    rows = connection.execute(
        sa.select(pool_jobs.c.id, pool_jobs.c.worker_id)
        .where(
            pool_jobs.c.endpoint == endpoint,
            pool_jobs.c.status.in_(OPEN_ENDPOINT_STATUSES),
            pool_jobs.c.expires_ms <= now_ms,
        )
        .limit(500)
    )
    return [(row.id, row.worker_id) for row in rows]


def delete_expired(connection: Connection, endpoint: str, now_ms: int) -> list[tuple[str, str | None]]:
    """Forget open jobs that are past their time to live; return them as `expired_jobs` does."""
    expired = expired_jobs(connection, endpoint, now_ms)
    connection.execute(pool_jobs.delete().where(pool_jobs.c.id.in_([job_id for job_id, _ in expired])))
    return expired


def delete_waiting(connection: Connection, endpoint: str) -> list[str]:
    """Forget the jobs that wait for a worker; return their ids."""
    waiting = (pool_jobs.c.endpoint == endpoint) & (pool_jobs.c.status == EndpointStatus.IN_QUEUE)
    job_ids = list(connection.execute(sa.select(pool_jobs.c.id).where(waiting)).scalars())
    connection.execute(pool_jobs.delete().where(waiting))
    return job_ids


def delete_ended(connection: Connection, endpoint: str, ended_before_ms: int) -> None:
    """Forget the jobs that ended by then."""
    connection.execute(
        pool_jobs.delete().where(pool_jobs.c.endpoint == endpoint, pool_jobs.c.ended_ms <= ended_before_ms)
    )


def _held_by(job_id: str, worker_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        pool_jobs.c.id == job_id,
        pool_jobs.c.worker_id == worker_id,
        pool_jobs.c.status == EndpointStatus.IN_PROGRESS,
    )
