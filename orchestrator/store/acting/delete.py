"""Deleting a job: its record at once, its objects by an order that is kept until they are gone."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.jobs.states import AttemptEnd
from orchestrator.store.reading import own_job
from orchestrator.store.tables import attempts, jobs, purges
from orchestrator.webhooks.log import forget_events
from shared.refusals import JobNotEnded
from shared.wire.status import Status

_GRANTS_OUTLIVE_MS = 300_000
"""How long after its deadline an attempt's upload addresses still work, at most."""
_SILENT = (AttemptEnd.COMPLETED, AttemptEnd.FAILED)
"""Ends after which a worker writes no more."""


@dataclass(frozen=True, slots=True)
class Purge:
    """All objects under `prefix` are to go."""

    prefix: str


def delete_job(connection: Connection, tenant: str, job_id: str, now_ms: int) -> None:
    """Remove an ended job's record, and order its objects' removal in the same breath; NotFound, JobNotEnded."""
    job = own_job(connection, tenant, job_id)
    if not Status(job["status"]).terminal:
        raise JobNotEnded("The job has not ended; cancel it first, then delete it.")
    last_deadline_ms = connection.execute(
        sa.select(sa.func.max(attempts.c.deadline_ms)).where(
            attempts.c.job_id == job_id, attempts.c.outcome.not_in(_SILENT)
        )
    ).scalar()
    connection.execute(
        purges.insert(),
        {
            "prefix": f"{tenant}/{job_id}",
            "tenant": tenant,
            "requested_ms": now_ms,
            "next_ms": now_ms,
            "until_ms": now_ms if last_deadline_ms is None else last_deadline_ms + _GRANTS_OUTLIVE_MS,
        },
    )
    forget_events(connection, tenant, job_id)
    connection.execute(jobs.delete().where(jobs.c.id == job_id, jobs.c.tenant == tenant))


def due_purges(connection: Connection, now_ms: int, limit: int = 50) -> list[Purge]:
    """Return what is due, the longest due first."""
    query = sa.select(purges.c.prefix).where(purges.c.next_ms <= now_ms).order_by(purges.c.next_ms).limit(limit)
    return [Purge(*row) for row in connection.execute(query)]


def note_purged(connection: Connection, prefix: str, now_ms: int) -> None:
    """Forget a purge that is final; one whose objects may come back is due again when they no longer can."""
    connection.execute(purges.delete().where(purges.c.prefix == prefix, purges.c.until_ms <= now_ms))
    connection.execute(purges.update().where(purges.c.prefix == prefix).values(next_ms=purges.c.until_ms))


def postpone_purge(connection: Connection, prefix: str, next_ms: int) -> None:
    """Try again at `next_ms`."""
    connection.execute(purges.update().where(purges.c.prefix == prefix).values(next_ms=next_ms))
