"""Orders to remove objects: each is kept until its objects are gone, so that no restart forgets one."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.jobs.states import AttemptEnd
from orchestrator.store.keeping.audit import RETENTION, AuditAction, record
from orchestrator.store.keeping.held import holds_under
from orchestrator.store.keeping.uses import in_use
from orchestrator.store.tables import attempts, jobs, purges

_GRANTS_OUTLIVE_MS = 300_000
"""How long after its deadline an attempt's upload addresses still work, at most."""
_SILENT = (AttemptEnd.COMPLETED, AttemptEnd.FAILED)
"""Ends after which a worker writes no more."""
_KEPT_JOB = sa.exists().where(
    jobs.c.id == purges.c.expired_job_id, jobs.c.pinned_ms.is_not(None) | jobs.c.legal_hold.is_not(None)
)
_MAY_GO = ~_KEPT_JOB & ~holds_under(purges.c.prefix) & ~in_use(purges.c.expired_job_id)


@dataclass(frozen=True, slots=True)
class Purge:
    """All objects under `prefix` are to go."""

    prefix: str
    tenant: str
    expired_job_id: str | None
    """The job whose time is over, which stays and is marked; None where the job was deleted."""


_PURGE = sa.select(purges.c.prefix, purges.c.tenant, purges.c.expired_job_id)


def order_expired(connection: Connection, now_ms: int, limit: int) -> int:
    """Order the removal of the outputs whose time is over, of at most `limit` jobs; return of how many.

    Those that a job that has not ended needs as its inputs stay until it has.
    """
    ordered = sa.exists().where(purges.c.prefix == jobs.c.tenant + "/" + jobs.c.id)
    over = (
        sa.select(jobs.c.id, jobs.c.tenant)
        .where(
            jobs.c.expires_ms <= now_ms,
            jobs.c.outputs_deleted_ms.is_(None),
            jobs.c.pinned_ms.is_(None),
            jobs.c.legal_hold.is_(None),
            ~in_use(jobs.c.id),
            ~ordered,
        )
        .order_by(jobs.c.expires_ms)
        .limit(limit)
    )
    found = connection.execute(over).all()
    for job in found:
        order_purge(connection, job.tenant, job.id, now_ms, expired=True)
    return len(found)


def order_purge(connection: Connection, tenant: str, job_id: str, now_ms: int, *, expired: bool) -> None:
    """Order the removal of all objects of a job; its row must still be there. `expired`: and will stay."""
    last_deadline_ms = connection.execute(
        sa.select(sa.func.max(attempts.c.deadline_ms)).where(
            attempts.c.job_id == job_id, attempts.c.outcome.is_(None) | attempts.c.outcome.not_in(_SILENT)
        )
    ).scalar()
    order = {
        "requested_ms": now_ms,
        "next_ms": now_ms,
        "until_ms": now_ms if last_deadline_ms is None else last_deadline_ms + _GRANTS_OUTLIVE_MS,
        "expired_job_id": job_id if expired else None,
    }
    prefix = f"{tenant}/{job_id}"
    # A deleted job's outputs may be on their way out already, because their time was over.
    if connection.execute(purges.update().where(purges.c.prefix == prefix).values(order)).rowcount == 0:
        connection.execute(purges.insert(), {"prefix": prefix, "tenant": tenant, **order})


def begin_purges(connection: Connection, now_ms: int, limit: int) -> list[Purge]:
    """Claim what is due and may go, the longest due first: from here on it is too late to pin or hold it.

    What was begun and not finished when a server ended is looked at anew: a hold that came since then counts.
    """
    query = _PURGE.where(purges.c.next_ms <= now_ms, _MAY_GO).order_by(purges.c.next_ms).limit(limit)
    due = [Purge(*row) for row in connection.execute(query)]
    prefixes = [purge.prefix for purge in due]
    connection.execute(purges.update().where(purges.c.prefix.in_(prefixes)).values(begun_ms=now_ms))
    return due


def note_purged(connection: Connection, purge: Purge, objects: int, now_ms: int) -> None:
    """Mark the job whose outputs are gone. Forget the order if it is final; else it is due once more.

    Not final is one under whose prefix a worker may still write: those objects go when that time is over.
    """
    if purge.expired_job_id is not None:
        marked = connection.execute(
            jobs.update()
            .where(jobs.c.id == purge.expired_job_id, jobs.c.outputs_deleted_ms.is_(None))
            .values(outputs_deleted_ms=now_ms, version=jobs.c.version + 1)
        )
        if marked.rowcount:
            done = AuditAction.OUTPUTS_DELETED
            record(connection, purge.tenant, RETENTION, done, purge.expired_job_id, now_ms, objects=objects)
    own = purges.c.prefix == purge.prefix
    connection.execute(purges.delete().where(own, purges.c.until_ms <= now_ms))
    connection.execute(purges.update().where(own).values(next_ms=purges.c.until_ms, begun_ms=None))


def postpone_purge(connection: Connection, purge: Purge, next_ms: int) -> None:
    """Try again at `next_ms`; until then it may be held."""
    again = {"next_ms": next_ms, "begun_ms": None}
    connection.execute(purges.update().where(purges.c.prefix == purge.prefix).values(again))
