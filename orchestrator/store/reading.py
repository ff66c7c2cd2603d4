"""What answers are made of: jobs and items as their tenant may see them. Every query names the tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.prepared import Prepared, given
from orchestrator.store.tables import items, job_labels, jobs, tasks
from shared.ids import ulid_floor
from shared.refusals import NotFound
from shared.wire.status import OPEN_STATUSES, Status

Stored = Mapping[str, Any]
"""A row by its columns' names."""

_OWN_JOB = (jobs.c.id == given("job_id")) & (jobs.c.tenant == given("tenant"))
_LABEL_OF_JOB = (job_labels.c.job_id == jobs.c.id) & (job_labels.c.tenant == jobs.c.tenant)
_IDS_OFF_BY_MS = 60_000
"""An id's time is taken a moment before the row's, or on a machine whose clock was set meanwhile."""
_JOB = Prepared(sa.select(jobs).where(_OWN_JOB))
_JOB_STATUS = Prepared(sa.select(jobs.c.status).where(_OWN_JOB))
_SELECT_ITEMS = (
    sa.select(
        items.c.n,
        items.c.item_id,
        items.c.status,
        # As text: a page has thousands of them, and pydantic's reader is several times faster than the driver's.
        *(sa.cast(column, sa.Text).label(column.name) for column in (items.c.outputs, items.c.result, items.c.error)),
    )
    .where(
        items.c.job_id == given("job_id"),
        items.c.tenant == given("tenant"),
        items.c.n > given("after_n"),
    )
    .order_by(items.c.n)
    .limit(given("limit"))
)
_ITEMS = Prepared(_SELECT_ITEMS)
_ITEMS_OF_STATUS = Prepared(_SELECT_ITEMS.where(items.c.status == given("status")))
_OWN_TASKS = (tasks.c.job_id == given("job_id")) & (tasks.c.tenant == given("tenant"))
_TASKS_TELLING = Prepared(
    sa.select(tasks.c.status, tasks.c.cost_s, tasks.c.items_total, tasks.c.progress)
    .where(_OWN_TASKS, tasks.c.progress.is_not(None))
    .order_by(tasks.c.n)
)
_TASKS_SILENT = Prepared(
    sa.select(
        tasks.c.status,
        sa.func.sum(tasks.c.cost_s).label("cost_s"),
        sa.func.sum(tasks.c.items_total).label("items_total"),
    )
    .where(_OWN_TASKS, tasks.c.progress.is_(None))
    .group_by(tasks.c.status)
)


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list shall hold; None means any."""

    status: Status | None = None
    operation: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    """(name, value) pairs that must all be there."""
    created_from_ms: int | None = None
    created_until_ms: int | None = None
    """This moment is not included."""
    before_id: str | None = None
    """Only jobs older than this one."""


@dataclass(frozen=True, slots=True)
class OutputRow:
    """What a link to an output needs of its item and job."""

    item_id: str
    stored: dict[str, Any]
    expires_ms: int | None
    """None too while the job is pinned."""


def job_row(connection: Connection, tenant: str, job_id: str) -> Stored | None:
    """Return a job's row; None for another tenant's as for an unknown one."""
    found = _JOB.first(connection, {"job_id": job_id, "tenant": tenant})
    return None if found is None else found._asdict()


def own_job(connection: Connection, tenant: str, job_id: str) -> Stored:
    """Return a job's row; NotFound."""
    job = job_row(connection, tenant, job_id)
    if job is None:
        raise NotFound
    return job


def job_status_of(connection: Connection, tenant: str, job_id: str) -> Status | None:
    """Return where a job stands; None for another tenant's as for an unknown one."""
    found = _JOB_STATUS.first(connection, {"job_id": job_id, "tenant": tenant})
    return None if found is None else Status(found.status)


def job_rows(connection: Connection, tenant: str, wanted: JobFilter, limit: int) -> Sequence[Stored]:
    """Return at most `limit` of a tenant's jobs, newest first."""
    query = sa.select(jobs).where(jobs.c.tenant == tenant).order_by(jobs.c.id.desc()).limit(limit)
    if wanted.status is not None:
        query = query.where(jobs.c.status == wanted.status)
    if wanted.operation is not None:
        query = query.where(jobs.c.operation == wanted.operation)
    for name, value in wanted.labels:
        query = query.where(sa.exists().where(_LABEL_OF_JOB, job_labels.c.name == name, job_labels.c.value == value))
    if wanted.created_from_ms is not None:
        query = query.where(
            jobs.c.created_ms >= wanted.created_from_ms, jobs.c.id >= _id_at(wanted.created_from_ms, -1)
        )
    if wanted.created_until_ms is not None:
        query = query.where(jobs.c.created_ms < wanted.created_until_ms, jobs.c.id < _id_at(wanted.created_until_ms, 1))
    if wanted.before_id is not None:
        query = query.where(jobs.c.id < wanted.before_id)
    return [row._asdict() for row in connection.execute(query)]


def _id_at(epoch_ms: int, sign: int) -> str:
    """Return an id about as old as `epoch_ms`, so that the index on ids finds the place where a time begins."""
    return f"job_{ulid_floor(epoch_ms + sign * _IDS_OFF_BY_MS)}"


def item_rows(
    connection: Connection, tenant: str, job_id: str, limit: int, after_n: int = -1, status: Status | None = None
) -> Sequence[Any]:
    """Return at most `limit` of a job's items behind position `after_n`, in order.

    Each has n, item_id, status, and as JSON text outputs, result and (or None) error.
    """
    wanted = {"job_id": job_id, "tenant": tenant, "after_n": after_n, "limit": limit}
    if status is None:
        return _ITEMS.all(connection, wanted)
    return _ITEMS_OF_STATUS.all(connection, {**wanted, "status": status})


def task_rows(connection: Connection, tenant: str, job_id: str) -> Sequence[Stored]:
    """Return what a job's progress is reckoned from: status, cost_s, items_total and progress.

    One row for each task that has told of itself, and one for all others of a status together: a job may have a
    thousand tasks, but only those at the endpoint tell.
    """
    own = {"job_id": job_id, "tenant": tenant}
    telling = [row._asdict() for row in _TASKS_TELLING.all(connection, own)]
    return telling + [{**row._asdict(), "progress": None} for row in _TASKS_SILENT.all(connection, own)]


def output_row(connection: Connection, job_id: str, item_n: int, slot: str) -> OutputRow | None:
    """Return the file that an item made in `slot`; the signed link that names it stands for the tenant."""
    query = (
        sa.select(items.c.item_id, items.c.outputs, jobs.c.expires_ms, jobs.c.pinned_ms)
        .join(jobs, jobs.c.id == items.c.job_id)
        .where(items.c.job_id == job_id, items.c.n == item_n)
    )
    found = connection.execute(query).one_or_none()
    if found is None or slot not in found.outputs:
        return None
    return OutputRow(found.item_id, found.outputs[slot], found.expires_ms if found.pinned_ms is None else None)


def open_jobs_by_status(connection: Connection) -> dict[str, int]:
    """Return how many jobs wait and run, all tenants' together; ended ones are history, which only grows."""
    query = sa.select(jobs.c.status, sa.func.count()).where(jobs.c.status.in_(OPEN_STATUSES)).group_by(jobs.c.status)
    return {row[0]: row[1] for row in connection.execute(query)}


def check_readable(connection: Connection) -> None:
    """Fail unless the database can be read and has its tables."""
    connection.execute(sa.select(jobs.c.id).limit(1))
