"""Attempts on the way back: what runs, what it committed, how it ended, and the job's own end.

Every write is fenced by the task's current attempt, and an ended item or job never changes again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.jobs.settle import ItemEnd, Settlement
from orchestrator.jobs.states import AttemptEnd, AttemptState, TaskState
from orchestrator.store import tables
from orchestrator.store.attempts import IN_FLIGHT, OrderedItem
from orchestrator.store.events import Announce, add_event
from orchestrator.store.prepared import Prepared, given
from orchestrator.store.tenants import change_open_items
from shared.errors import QueueExpired, WorkCancelled
from shared.wire.problem import ErrorInfo
from shared.wire.status import OPEN_STATUSES, Status, job_status

tasks, attempts, items, jobs = tables.tasks, tables.attempts, tables.items, tables.jobs

_VERSION = jobs.c.version + 1
_JOB = jobs.c.id == given("job_id")
_TASK = tasks.c.id == given("task_id")
_CURRENT = _TASK & (tasks.c.attempt == given("n")) & (tasks.c.status == TaskState.ACTIVE)
_ATTEMPT = (attempts.c.task_id == given("task_id")) & (attempts.c.n == given("n"))
_IN_FLIGHT = Prepared(
    sa.select(
        attempts.c.task_id,
        attempts.c.n,
        attempts.c.tenant,
        attempts.c.job_id,
        attempts.c.endpoint,
        attempts.c.state,
        attempts.c.provider_id,
        attempts.c.submitted_ms,
        attempts.c.deadline_ms,
        tasks.c.n.label("task_n"),
        tasks.c.queue_deadline_ms,
        jobs.c.operation,
        jobs.c.cancelled_ms.is_not(None).label("cancelled"),
    )
    .join(tasks, tasks.c.id == attempts.c.task_id)
    .join(jobs, jobs.c.id == attempts.c.job_id)
    .where(attempts.c.state.in_(IN_FLIGHT))
    .order_by(attempts.c.submitted_ms)
)
_OPEN_ITEMS = Prepared(
    sa.select(items.c.n, items.c.item_id, items.c.params)
    .where(items.c.task_id == given("task_id"), items.c.status.in_(OPEN_STATUSES))
    .order_by(items.c.n)
)
_RUN_ATTEMPT = Prepared(
    attempts.update()
    .where(_ATTEMPT, attempts.c.state == AttemptState.SUBMITTED)
    .values(state=AttemptState.RUNNING, started_ms=given("now_ms"), worker=given("by"))
)
_RUN_TASK = Prepared(tasks.update().where(_TASK, tasks.c.started_ms.is_(None)).values(started_ms=given("now_ms")))
_RUN_ITEMS = Prepared(
    items.update()
    .where(items.c.task_id == given("task_id"), items.c.status == Status.IN_QUEUE)
    .values(status=Status.IN_PROGRESS)
)
_COUNT_VERSION = Prepared(jobs.update().where(_JOB).values(version=_VERSION))
_END_ATTEMPT = Prepared(
    attempts.update()
    .where(_ATTEMPT, attempts.c.state != AttemptState.ENDED)
    .values(
        state=AttemptState.ENDED,
        outcome=given("end"),
        ended_ms=given("at_ms"),
        execution_ms=given("took_ms"),
        worker=sa.func.coalesce(given("by"), attempts.c.worker),
        gpu=given("on"),
    )
)
_MOVE_TASK = Prepared(
    tasks.update()
    .where(_CURRENT)
    .values(status=given("state"), progress=None, not_before_ms=given("retry_at_ms"), ended_ms=given("at_ms"))
)
_JOB_OF = Prepared(sa.select(tasks.c.job_id, tasks.c.tenant).where(_TASK))
_START_JOB = Prepared(
    jobs.update()
    .where(_JOB, jobs.c.status == Status.IN_QUEUE)
    .values(status=Status.IN_PROGRESS, started_ms=given("now_ms"), version=_VERSION)
)
_END_ITEM = Prepared(
    items.update()
    .where(items.c.job_id == given("job_id"), items.c.n == given("item_n"), items.c.status.in_(OPEN_STATUSES))
    .values(
        status=given("end"),
        outputs=given("files"),
        result=given("told"),
        error=given("fault"),
        attempt=given("by"),
        completed_ms=given("now_ms"),
    )
)
_COUNT_ITEMS = Prepared(
    jobs.update()
    .where(_JOB)
    .values(
        items_succeeded=jobs.c.items_succeeded + given("succeeded"),
        items_failed=jobs.c.items_failed + given("failed"),
        version=_VERSION,
    )
)
_DONE_OF = Prepared(
    sa.select(
        jobs.c.items_total, jobs.c.items_succeeded, jobs.c.items_failed, jobs.c.cancelled_ms, jobs.c.output_ttl_ms
    ).where(_JOB, jobs.c.status.in_(OPEN_STATUSES))
)
_ENDS = Prepared(sa.select(items.c.status, items.c.error).where(items.c.job_id == given("job_id")))
_END_JOB = Prepared(
    jobs.update()
    .where(_JOB)
    .values(status=given("end"), error=given("fault"), completed_ms=given("now_ms"), expires_ms=given("until_ms"))
)


@dataclass(frozen=True, slots=True)
class FlyingAttempt:
    """An attempt that is, or may be, at the endpoint."""

    task_id: str
    n: int
    tenant: str
    job_id: str
    endpoint: str
    state: AttemptState
    provider_id: str | None
    submitted_ms: int
    deadline_ms: int
    task_n: int
    queue_deadline_ms: int
    operation: str
    cancelled: bool
    """Whether a cancel of the job has been accepted."""


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """What is kept of an attempt that ended."""

    end: AttemptEnd
    ended_ms: int
    execution_ms: int = 0
    worker: str | None = None
    gpu: str | None = None


def attempts_in_flight(connection: Connection) -> list[FlyingAttempt]:
    """Return every attempt that has not ended, oldest first; those at an endpoint that is no longer set too."""
    rows = _IN_FLIGHT.all(connection, {})
    return [FlyingAttempt(**{**row._asdict(), "state": AttemptState(row.state)}) for row in rows]


def open_items(connection: Connection, task_id: str) -> list[OrderedItem]:
    """Return a task's items that have not ended."""
    return [OrderedItem(*row) for row in _OPEN_ITEMS.all(connection, {"task_id": task_id})]


def job_was_cancelled(connection: Connection, job_id: str) -> bool:
    """Return whether a cancel of the job has been accepted."""
    return connection.execute(sa.select(jobs.c.cancelled_ms).where(jobs.c.id == job_id)).scalar() is not None


def mark_running(
    connection: Connection, announce: Announce, attempt: FlyingAttempt, worker: str | None, now_ms: int
) -> bool:
    """Keep that a worker has begun; False if that is old news or the attempt is not the current one."""
    begun = {"task_id": attempt.task_id, "n": attempt.n, "now_ms": now_ms, "by": worker}
    if not _RUN_ATTEMPT.change(connection, begun):
        return False
    _RUN_TASK.change(connection, {"task_id": attempt.task_id, "now_ms": now_ms})
    _RUN_ITEMS.change(connection, {"task_id": attempt.task_id})
    if not _start_job(connection, announce, attempt.tenant, attempt.job_id, now_ms):
        _COUNT_VERSION.change(connection, {"job_id": attempt.job_id})
    return True


def save_progress(connection: Connection, attempt: FlyingAttempt, snapshot: dict[str, Any]) -> bool:
    """Keep a task's snapshot unless a later one, or none, is wanted."""
    current = (tasks.c.id == attempt.task_id) & (tasks.c.attempt == attempt.n) & (tasks.c.status == TaskState.ACTIVE)
    before = connection.execute(sa.select(tasks.c.progress).where(current)).one_or_none()
    if before is None or (before.progress is not None and before.progress["seq"] >= snapshot["seq"]):
        return False
    connection.execute(tasks.update().where(current).values(progress=snapshot))
    _COUNT_VERSION.change(connection, {"job_id": attempt.job_id})
    return True


def commit_items(
    connection: Connection, announce: Announce, task_id: str, n: int, ends: Sequence[ItemEnd], now_ms: int
) -> bool:
    """End items of the current attempt, and their job if they were its last; False if `n` is not the current one."""
    task = connection.execute(
        sa.select(tasks.c.job_id, tasks.c.tenant).where(
            tasks.c.id == task_id, tasks.c.attempt == n, tasks.c.status == TaskState.ACTIVE
        )
    ).one_or_none()
    if task is None:
        return False
    end_items(connection, announce, task.tenant, task.job_id, n, ends, now_ms)
    return True


def end_attempt(
    connection: Connection,
    announce: Announce,
    task_id: str,
    n: int,
    settlement: Settlement,
    facts: AttemptFacts,
    retry_at_ms: int = 0,
) -> bool:
    """Write an attempt's end and all that follows from it; False if it had ended or is not the current one."""
    ended = {"end": facts.end, "at_ms": facts.ended_ms, "took_ms": facts.execution_ms}
    by = {"by": facts.worker, "on": facts.gpu}
    if not _END_ATTEMPT.change(connection, {"task_id": task_id, "n": n, **ended, **by}):
        return False
    moved = {
        "state": TaskState.WAITING if settlement.retry else TaskState.ENDED,
        "retry_at_ms": retry_at_ms,
        "at_ms": None if settlement.retry else facts.ended_ms,
    }
    if not _MOVE_TASK.change(connection, {"task_id": task_id, "n": n, **moved}):
        return False
    if settlement.retry:
        _renew_queue_time(connection, task_id, n, facts.ended_ms)
    task = _JOB_OF.first(connection, {"task_id": task_id})
    _add_spent(connection, task.job_id, task_id, n, facts)
    if facts.execution_ms or facts.end is AttemptEnd.COMPLETED:
        _start_job(connection, announce, task.tenant, task.job_id, facts.ended_ms - facts.execution_ms)
    end_items(connection, announce, task.tenant, task.job_id, n, settlement.ended, facts.ended_ms)
    if settlement.retry:
        end_waiting_if_cancelled(connection, announce, task.job_id, facts.ended_ms)
    return True


def end_waiting_if_cancelled(connection: Connection, announce: Announce, job_id: str, now_ms: int) -> None:
    """End the waiting tasks of a job whose cancel was accepted: after the cancel itself, and when one came back."""
    of_job = (tasks.c.job_id == job_id) & (tasks.c.status == TaskState.WAITING)
    waiting = connection.execute(
        sa.select(items.c.n, items.c.item_id, tasks.c.attempt, tasks.c.tenant)
        .join(tasks, tasks.c.id == items.c.task_id)
        .join(jobs, jobs.c.id == tasks.c.job_id)
        .where(of_job, jobs.c.cancelled_ms.is_not(None), items.c.job_id == job_id, items.c.status.in_(OPEN_STATUSES))
    ).all()
    if not waiting:
        return
    connection.execute(tasks.update().where(of_job).values(status=TaskState.ENDED, progress=None, ended_ms=now_ms))
    error = ErrorInfo.of(WorkCancelled())
    for attempt in {row.attempt for row in waiting}:
        ends = [ItemEnd(row.n, row.item_id, Status.CANCELLED, error) for row in waiting if row.attempt == attempt]
        end_items(connection, announce, waiting[0].tenant, job_id, attempt, ends, now_ms)


def expire_task(connection: Connection, announce: Announce, task_id: str, now_ms: int) -> str | None:
    """End a task that waited in our queue past its deadline; return its job's id, None if it waits no more."""
    expired = connection.execute(
        tasks.update()
        .where(tasks.c.id == task_id, tasks.c.status == TaskState.WAITING)
        .values(status=TaskState.ENDED, ended_ms=now_ms)
    )
    if expired.rowcount == 0:
        return None
    task = connection.execute(
        sa.select(tasks.c.job_id, tasks.c.tenant, tasks.c.attempt).where(tasks.c.id == task_id)
    ).one()
    error = ErrorInfo.of(QueueExpired())
    ends = [ItemEnd(item.n, item.id, Status.TIMED_OUT, error) for item in open_items(connection, task_id)]
    end_items(connection, announce, task.tenant, task.job_id, task.attempt, ends, now_ms)
    return str(task.job_id)


def _add_spent(connection: Connection, job_id: str, task_id: str, n: int, facts: AttemptFacts) -> None:
    price_per_s = connection.execute(
        sa.select(attempts.c.price_per_s).where(attempts.c.task_id == task_id, attempts.c.n == n)
    ).scalar()
    changed: dict[str, Any] = {"execution_ms": jobs.c.execution_ms + facts.execution_ms, "version": jobs.c.version + 1}
    if price_per_s is not None:
        changed["cost"] = sa.func.coalesce(jobs.c.cost, 0.0) + price_per_s * facts.execution_ms / 1000
    connection.execute(jobs.update().where(jobs.c.id == job_id).values(changed))


def _renew_queue_time(connection: Connection, task_id: str, n: int, now_ms: int) -> None:
    """Let a task whose attempt `n` had begun wait for the next worker as long as for the first.

    One that nobody took gets no more time: it would wait for its queue time once per attempt.
    """
    begun = sa.exists().where(
        attempts.c.task_id == task_id,
        attempts.c.n == n,
        attempts.c.started_ms.is_not(None) | (attempts.c.execution_ms > 0),
    )
    queue_time_ms = (
        sa.select(jobs.c.queue_deadline_ms - jobs.c.created_ms).where(jobs.c.id == tasks.c.job_id).scalar_subquery()
    )
    connection.execute(
        tasks.update().where(tasks.c.id == task_id, begun).values(queue_deadline_ms=now_ms + queue_time_ms)
    )


def _start_job(connection: Connection, announce: Announce, tenant: str, job_id: str, now_ms: int) -> bool:
    started = _START_JOB.change(connection, {"job_id": job_id, "now_ms": now_ms}) > 0
    if started:
        add_event(connection, tenant, job_id, "status", {"status": Status.IN_PROGRESS}, now_ms)
        announce(connection, tenant, job_id, Status.IN_PROGRESS, now_ms)
    return started


def end_items(
    connection: Connection,
    announce: Announce,
    tenant: str,
    job_id: str,
    n: int,
    ends: Sequence[ItemEnd],
    now_ms: int,
) -> None:
    """End items that have not ended, and their job with the last of them."""
    changed = [end for end in ends if _end_item(connection, job_id, n, end, now_ms)]
    if not changed:
        return
    succeeded = sum(end.status is Status.COMPLETED for end in changed)
    counted = {"job_id": job_id, "succeeded": succeeded, "failed": len(changed) - succeeded}
    _COUNT_ITEMS.change(connection, counted)
    for end in changed:
        add_event(connection, tenant, job_id, "item", {"id": end.id, "status": end.status}, now_ms)
    change_open_items(connection, tenant, -len(changed))
    _end_job_if_done(connection, announce, tenant, job_id, now_ms)


def _end_item(connection: Connection, job_id: str, n: int, end: ItemEnd, now_ms: int) -> bool:
    fault = None if end.error is None else end.error.model_dump()
    told = {"end": end.status, "files": end.outputs, "told": end.result, "fault": fault}
    return _END_ITEM.change(connection, {"job_id": job_id, "item_n": end.n, "by": n, "now_ms": now_ms, **told}) > 0


def _end_job_if_done(connection: Connection, announce: Announce, tenant: str, job_id: str, now_ms: int) -> None:
    job = _DONE_OF.first(connection, {"job_id": job_id})
    if job is None or job.items_succeeded + job.items_failed < job.items_total:
        return
    ends = _ENDS.all(connection, {"job_id": job_id})
    statuses = [Status(end.status) for end in ends]
    cancelled = job.cancelled_ms is not None or Status.CANCELLED in statuses
    status = job_status(statuses, cancelled=cancelled)
    until_ms = None if job.output_ttl_ms is None else now_ms + job.output_ttl_ms
    ended = {"end": status, "fault": _common_error([end.error for end in ends]), "now_ms": now_ms}
    _END_JOB.change(connection, {"job_id": job_id, "until_ms": until_ms, **ended})
    add_event(connection, tenant, job_id, "status", {"status": status}, now_ms)
    announce(connection, tenant, job_id, status, now_ms)


def _common_error(errors: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return the error that all of a job's items ended with; None where they differ: each tells its own."""
    codes = {error and error["code"] for error in errors}
    return errors[0] if len(codes) == 1 else None
