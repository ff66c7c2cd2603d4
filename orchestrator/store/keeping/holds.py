"""Legal holds: while a job is on hold, nothing of it may be deleted, nor the files that it was made from."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.keeping.audit import AuditAction, record
from orchestrator.store.keeping.held import holds_under
from orchestrator.store.keeping.uses import keys_of_sources
from orchestrator.store.reading import own_job
from orchestrator.store.tables import held_objects, jobs, purges, uploads
from shared.refusals import DeletionUnderWay, HoldExists, LegalHold


def refuse_if_held(connection: Connection, tenant: str, job: Any) -> None:
    """Raise LegalHold if the job is on hold, or one that is was made from an output of it."""
    if job["legal_hold"] is not None:
        raise LegalHold
    prefix = sa.literal(f"{tenant}/{job['id']}")
    if connection.execute(sa.select(holds_under(prefix))).scalar():
        raise LegalHold("A job on legal hold was made from an output of this one.")


def set_hold(connection: Connection, tenant: str, job_id: str, reason: str, author: str, now_ms: int) -> None:
    """Put a job on hold; asked again with the same reason, it stays on the hold that it is on.

    NotFound; HoldExists for another reason; DeletionUnderWay while its outputs, or what it was made from, are just
    being deleted.
    """
    present = own_job(connection, tenant, job_id)["legal_hold"]
    if present is not None and present["reason"] != reason:
        raise HoldExists
    if present is not None:
        return
    sources = keys_of_sources(connection, job_id)
    _refuse_if_going(connection, f"{tenant}/{job_id}", sources)
    connection.execute(
        jobs.update()
        .where(jobs.c.id == job_id)
        .values(
            legal_hold={"reason": reason, "author": author, "at_ms": now_ms},
            version=jobs.c.version + 1,
        )
    )
    connection.execute(held_objects.delete().where(held_objects.c.job_id == job_id))
    rows = [{"job_id": job_id, "object_key": key, "tenant": tenant} for key in sorted(sources)]
    if rows:
        connection.execute(held_objects.insert(), rows)
    record(connection, tenant, author, AuditAction.HOLD_SET, job_id, now_ms, reason=reason)


def release_hold(connection: Connection, tenant: str, job_id: str, author: str, now_ms: int) -> None:
    """Release a job from its hold, if it is on one: what is past its time goes then. NotFound."""
    hold = own_job(connection, tenant, job_id)["legal_hold"]
    if hold is None:
        return
    connection.execute(held_objects.delete().where(held_objects.c.job_id == job_id))
    connection.execute(jobs.update().where(jobs.c.id == job_id).values(legal_hold=None, version=jobs.c.version + 1))
    record(connection, tenant, author, AuditAction.HOLD_RELEASED, job_id, now_ms, reason=hold["reason"])


def _refuse_if_going(connection: Connection, prefix: str, sources: set[str]) -> None:
    places = {prefix, *("/".join(key.split("/")[:2]) for key in sources)}
    outputs = sa.exists().where(purges.c.prefix.in_(places), purges.c.begun_ms.is_not(None))
    files = sa.exists().where(uploads.c.object_key.in_(sources), uploads.c.removal_begun_ms.is_not(None))
    if connection.execute(sa.select(outputs | files)).scalar():
        raise DeletionUnderWay
