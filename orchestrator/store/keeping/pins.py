"""Pins: a pinned job's outputs stay beyond their time."""

from sqlalchemy.engine import Connection

from orchestrator.store.keeping.audit import AuditAction, record
from orchestrator.store.reading import own_job
from orchestrator.store.tables import jobs, purges
from shared.refusals import OutputsDeleted


def pin_job(connection: Connection, tenant: str, job_id: str, author: str, now_ms: int) -> None:
    """Keep a job's outputs until it is unpinned. NotFound; OutputsDeleted where they are gone or just going."""
    job = own_job(connection, tenant, job_id)
    if job["pinned_ms"] is not None:
        return
    going = purges.select().where(purges.c.prefix == f"{tenant}/{job_id}", purges.c.begun_ms.is_not(None))
    if job["outputs_deleted_ms"] is not None or connection.execute(going).first() is not None:
        raise OutputsDeleted
    _set(connection, job_id, now_ms)
    record(connection, tenant, author, AuditAction.JOB_PINNED, job_id, now_ms)


def unpin_job(connection: Connection, tenant: str, job_id: str, author: str, now_ms: int) -> None:
    """Let a job's outputs go when their time is over, or at once if it is over already. NotFound."""
    if own_job(connection, tenant, job_id)["pinned_ms"] is None:
        return
    _set(connection, job_id, None)
    record(connection, tenant, author, AuditAction.JOB_UNPINNED, job_id, now_ms)


def _set(connection: Connection, job_id: str, pinned_ms: int | None) -> None:
    connection.execute(jobs.update().where(jobs.c.id == job_id).values(pinned_ms=pinned_ms, version=jobs.c.version + 1))
