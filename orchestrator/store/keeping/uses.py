"""Which jobs were made from which uploads and earlier outputs: kept with the object's key until the job is deleted."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.tables import input_uses, jobs
from shared.wire.status import OPEN_STATUSES


def note_uses(connection: Connection, tenant: str, job_id: str, sources: Iterable[tuple[str, str]]) -> None:
    """Keep that a job is made from these: (id of the upload or the earlier job, key of the object)."""
    rows = [
        {"job_id": job_id, "source_id": source_id, "object_key": key, "tenant": tenant}
        for source_id, key in sorted(set(sources))
    ]
    if rows:
        connection.execute(input_uses.insert(), rows)


def keys_of_sources(connection: Connection, job_id: str) -> set[str]:
    """Return the keys of all that a job was made from, whatever became of them."""
    query = sa.select(input_uses.c.object_key).where(input_uses.c.job_id == job_id)
    return set(connection.execute(query).scalars())


def in_use(source_id: str | sa.ColumnElement[str]) -> sa.Exists:
    """Return the condition that a job that has not ended needs the upload, or an output of the job, of that id."""
    users = jobs.alias("users")
    return sa.exists(
        sa.select(1)
        .select_from(input_uses.join(users, users.c.id == input_uses.c.job_id))
        .where(input_uses.c.source_id == source_id, users.c.status.in_(OPEN_STATUSES))
    )
