"""A job's history: one row for each status and item change, in one sequence.

A reader asks for what stands behind the last number that it saw, so no event may appear later under a smaller number
than one that can be seen already. On SQLite that is so because there is one writer at a time. PostgreSQL draws numbers
before it commits, so two transactions may become visible in the other order; but a job's events are read by job alone,
and whoever adds one has written that job's row before in the same transaction (`add_event`): its lock lets one
transaction after the other draw numbers for a job.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from orchestrator.store.prepared import Prepared
from orchestrator.store.tables import events, items, jobs
from shared.wire.status import Status

# Statements are built once: building one costs more than running it.
_OWN = (events.c.job_id == sa.bindparam("job_id")) & (events.c.tenant == sa.bindparam("tenant"))
_LAST_SEQ = sa.select(sa.func.max(events.c.seq)).where(_OWN)
_AFTER = (
    sa.select(events.c.seq, events.c.type, events.c.data, events.c.at_ms)
    .where(_OWN, events.c.seq > sa.bindparam("seq"))
    .order_by(events.c.seq)
    .limit(sa.bindparam("limit"))
)
_ITEMS = sa.select(
    items.c.n,
    items.c.item_id,
    items.c.status,
    *(sa.cast(column, sa.Text).label(column.name) for column in (items.c.outputs, items.c.error)),
    sa.literal("{}").label("result"),
).where(
    items.c.job_id == sa.bindparam("job_id"),
    items.c.tenant == sa.bindparam("tenant"),
    items.c.item_id.in_(sa.bindparam("item_ids", expanding=True)),
)
_VERSIONS = sa.select(jobs.c.id, jobs.c.version).where(jobs.c.id.in_(sa.bindparam("job_ids", expanding=True)))
_IDS_AT_ONCE = 500
_ADD = Prepared(events.insert())


class Announce(Protocol):
    """Is told of a job's new status, inside the transaction that gives it: what it writes is there with it or not."""

    def __call__(self, connection: Connection, tenant: str, job_id: str, status: Status, at_ms: int) -> None:
        """Write what follows from the change."""
        ...


def add_event(
    connection: Connection, tenant: str, job_id: str, kind: Literal["status", "item"], data: dict[str, Any], at_ms: int
) -> None:
    """Append an event; it becomes visible with the change that it tells of.

    The same transaction must have inserted or updated the job's row before, and counted its `version` up.
    """
    _ADD.change(connection, {"tenant": tenant, "job_id": job_id, "type": kind, "data": data, "at_ms": at_ms})


def last_seq(connection: Connection, tenant: str, job_id: str) -> int:
    """Return the number of a job's newest event; 0 if there is none."""
    return connection.execute(_LAST_SEQ, {"job_id": job_id, "tenant": tenant}).scalar() or 0


def events_after(
    connection: Connection, tenant: str, job_id: str, seq: int, limit: int
) -> Sequence[Row[int, str, dict[str, Any], int]]:
    """Return at most `limit` events of a job behind number `seq`, in order: seq, type, data, at_ms."""
    return connection.execute(_AFTER, {"job_id": job_id, "tenant": tenant, "seq": seq, "limit": limit}).all()


def items_named(
    connection: Connection, tenant: str, job_id: str, item_ids: Sequence[str]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return those items of a job as `reading.item_rows` does, but without what they reported beside their files."""
    if not item_ids:
        return ()
    return connection.execute(_ITEMS, {"job_id": job_id, "tenant": tenant, "item_ids": list(item_ids)}).all()


def versions_of(connection: Connection, job_ids: Sequence[str]) -> dict[str, int]:
    """Return the version of each of these jobs that there is."""
    found: dict[str, int] = {}
    for start in range(0, len(job_ids), _IDS_AT_ONCE):
        rows = connection.execute(_VERSIONS, {"job_ids": list(job_ids[start : start + _IDS_AT_ONCE])})
        found.update({row.id: row.version for row in rows})
    return found
