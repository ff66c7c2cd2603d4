"""What answers are made of: jobs and items as their tenant may see them. Every query names the tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from orchestrator.store.tables import items, jobs, tasks
from shared.wire.status import Status

_ITEM_COLUMNS = (
    items.c.n,
    items.c.item_id,
    items.c.status,
    items.c.outputs,
    items.c.result,
    items.c.error,
    items.c.completed_ms,
)


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list shall hold; None means any."""

    status: Status | None = None
    operation: str | None = None
    before_id: str | None = None
    """Only jobs older than this one."""


@dataclass(frozen=True, slots=True)
class OutputRow:
    """What a link to an output needs of its item and job."""

    item_id: str
    stored: dict[str, Any]
    expires_ms: int | None


def job_row(connection: Connection, tenant: str, job_id: str) -> RowMapping | None:
    """Return a job's row; None for another tenant's as for an unknown one."""
    query = sa.select(jobs).where(jobs.c.id == job_id, jobs.c.tenant == tenant)
    return connection.execute(query).mappings().one_or_none()


def job_status_of(connection: Connection, tenant: str, job_id: str) -> Status | None:
    """Return where a job stands; None for another tenant's as for an unknown one."""
    query = sa.select(jobs.c.status).where(jobs.c.id == job_id, jobs.c.tenant == tenant)
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else Status(found)


def job_rows(connection: Connection, tenant: str, wanted: JobFilter, limit: int) -> Sequence[RowMapping]:
    """Return at most `limit` of a tenant's jobs, newest first."""
    query = sa.select(jobs).where(jobs.c.tenant == tenant).order_by(jobs.c.id.desc()).limit(limit)
    if wanted.status is not None:
        query = query.where(jobs.c.status == wanted.status)
    if wanted.operation is not None:
        query = query.where(jobs.c.operation == wanted.operation)
    if wanted.before_id is not None:
        query = query.where(jobs.c.id < wanted.before_id)
    return connection.execute(query).mappings().all()


def item_rows(
    connection: Connection, tenant: str, job_id: str, limit: int, after_n: int = -1, status: Status | None = None
) -> Sequence[RowMapping]:
    """Return at most `limit` of a job's items behind position `after_n`, in order."""
    query = (
        sa.select(*_ITEM_COLUMNS)
        .where(items.c.job_id == job_id, items.c.tenant == tenant, items.c.n > after_n)
        .order_by(items.c.n)
        .limit(limit)
    )
    if status is not None:
        query = query.where(items.c.status == status)
    return connection.execute(query).mappings().all()


def task_rows(connection: Connection, tenant: str, job_id: str) -> Sequence[RowMapping]:
    """Return what a job's progress is reckoned from: status, cost_s, items_total, progress of each task."""
    columns = (tasks.c.status, tasks.c.cost_s, tasks.c.items_total, tasks.c.progress)
    query = sa.select(*columns).where(tasks.c.job_id == job_id, tasks.c.tenant == tenant).order_by(tasks.c.n)
    return connection.execute(query).mappings().all()


def output_row(connection: Connection, job_id: str, item_n: int, slot: str) -> OutputRow | None:
    """Return the file that an item made in `slot`; the signed link that names it stands for the tenant."""
    query = (
        sa.select(items.c.item_id, items.c.outputs, jobs.c.expires_ms)
        .join(jobs, jobs.c.id == items.c.job_id)
        .where(items.c.job_id == job_id, items.c.n == item_n)
    )
    found = connection.execute(query).one_or_none()
    if found is None or slot not in found.outputs:
        return None
    return OutputRow(found.item_id, found.outputs[slot], found.expires_ms)


def jobs_by_status(connection: Connection) -> dict[str, int]:
    """Return how many jobs there are in each state, all tenants' together."""
    query = sa.select(jobs.c.status, sa.func.count()).group_by(jobs.c.status)
    return {row[0]: row[1] for row in connection.execute(query)}


def check_readable(connection: Connection) -> None:
    """Fail unless the database can be read and has its tables."""
    connection.execute(sa.select(jobs.c.id).limit(1))
