"""Legal holds: while a job is on hold, nothing of it may be deleted, nor the files that it was made from."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.keeping.audit import AuditAction, record
from orchestrator.store.keeping.held import holds_under
from orchestrator.store.reading import own_job
from orchestrator.store.submit import find_output
from orchestrator.store.tables import held_objects, items, jobs, purges, uploads
from shared.refusals import DeletionUnderWay, LegalHold
from shared.uploads.upload import UploadState
from shared.wire.media_input import MediaInput


def refuse_if_held(connection: Connection, tenant: str, job: Any) -> None:
    """Raise LegalHold if the job is on hold, or one that is was made from an output of it."""
    if job["legal_hold"] is not None:
        raise LegalHold
    prefix = sa.literal(f"{tenant}/{job['id']}")
    if connection.execute(sa.select(holds_under(prefix))).scalar():
        raise LegalHold("A job on legal hold was made from an output of this one.")


def set_hold(connection: Connection, tenant: str, job_id: str, reason: str, author: str, now_ms: int) -> None:
    """Put a job on hold, or give its hold another reason.

    NotFound; DeletionUnderWay while its outputs, or one that it was made from, are just being deleted.
    """
    own_job(connection, tenant, job_id)
    sources = _sources(connection, tenant, job_id)
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
    begun = sa.exists().where(purges.c.prefix.in_(places), purges.c.begun_ms.is_not(None))
    if connection.execute(sa.select(begun)).scalar():
        raise DeletionUnderWay


def _sources(connection: Connection, tenant: str, job_id: str) -> set[str]:
    """Return the keys of the uploads and earlier outputs that a job was made from, those that are still known."""
    texts: set[str] = set()
    for params in connection.execute(sa.select(items.c.params).where(items.c.job_id == job_id)).scalars():
        texts |= _own_texts(params)
    found = (_key_of(connection, tenant, text) for text in texts)
    return {key for key in found if key is not None}


def _key_of(connection: Connection, tenant: str, text: str) -> str | None:
    if text.startswith("output://"):
        return find_output(connection, tenant, MediaInput(text))
    upload_id = text.removeprefix("upload://")
    query = sa.select(uploads.c.object_key).where(
        uploads.c.id == upload_id, uploads.c.tenant == tenant, uploads.c.state == UploadState.COMPLETED
    )
    return connection.execute(query).scalar()


def _own_texts(value: Any) -> set[str]:
    match value:
        case str():
            return {value} if value.startswith(("output://", "upload://")) else set()
        case dict():
            return set().union(*map(_own_texts, value.values()))
        case list():
            return set().union(*map(_own_texts, value))
        case _:
            return set()
