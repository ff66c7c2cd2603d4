"""Uploads whose time is over, and objects that are to be removed with them."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.keeping.audit import RETENTION, AuditAction, record
from orchestrator.store.keeping.held import not_held
from orchestrator.store.keeping.uses import in_use
from orchestrator.store.tables import uploads
from orchestrator.store.uploading.rows import DELETED
from shared.uploads.upload import UploadState

_AT_ONCE = 500
"""So many in one transaction: the next look takes the others."""

REMEMBERED_MS = 7 * 86_400_000
"""For so long it can still be read that an upload was rejected or has expired."""


@dataclass(frozen=True, slots=True)
class Removal:
    """An object, or what has arrived of one, that is to go."""

    upload_id: str
    state: str
    object_key: str
    multipart_id: str | None
    grants_end_ms: int


def expire_uploads(connection: Connection, now_ms: int) -> int:
    """Mark those whose time is over and that no job needs; order their objects' removal. Return how many.

    Those that a job on legal hold was made from stay.
    """
    over = uploads.c.expires_ms <= now_ms
    waiting = uploads.c.state == UploadState.WAITING
    unused = (uploads.c.state == UploadState.COMPLETED) & ~in_use(uploads.c.id) & not_held(uploads.c.object_key)
    columns = (uploads.c.id, uploads.c.tenant, uploads.c.state, uploads.c.size_bytes)
    found = connection.execute(sa.select(*columns).where(over, waiting | unused).limit(_AT_ONCE)).all()
    ids = [row.id for row in found]
    connection.execute(
        uploads.update().where(uploads.c.id.in_(ids)).values(state=UploadState.EXPIRED, remove_ms=now_ms)
    )
    for row in found:
        gone = {"state": row.state, "size_bytes": row.size_bytes}
        record(connection, row.tenant, RETENTION, AuditAction.UPLOAD_DELETED, row.id, now_ms, **gone)
    return len(found)


def begin_removals(connection: Connection, now_ms: int, limit: int = 100) -> list[Removal]:
    """Claim what is due and not held, the longest due first: from here on it is too late to hold it.

    What was begun and not finished when a server ended is looked at anew: a hold that came since then counts.
    """
    query = (
        sa.select(uploads.c.id, uploads.c.state, uploads.c.object_key, uploads.c.multipart_id, uploads.c.grants_end_ms)
        .where(uploads.c.remove_ms <= now_ms, not_held(uploads.c.object_key))
        .order_by(uploads.c.remove_ms)
        .limit(limit)
    )
    due = [Removal(*row) for row in connection.execute(query)]
    ids = [removal.upload_id for removal in due]
    connection.execute(uploads.update().where(uploads.c.id.in_(ids)).values(removal_begun_ms=now_ms))
    return due


def is_shared(connection: Connection, object_key: str) -> bool:
    """Whether a completed upload stands for that object; once none does, none ever will again."""
    query = sa.select(uploads.c.id).where(uploads.c.object_key == object_key, uploads.c.state == UploadState.COMPLETED)
    return connection.execute(query.limit(1)).scalar() is not None


def note_removed(connection: Connection, removal: Removal, now_ms: int) -> None:
    """Forget a removal; it is due again when nobody can send anything to its address any more."""
    row = uploads.c.id == removal.upload_id
    if now_ms < removal.grants_end_ms:
        connection.execute(uploads.update().where(row).values(remove_ms=removal.grants_end_ms, removal_begun_ms=None))
    elif removal.state == DELETED:
        connection.execute(uploads.delete().where(row))
    else:
        connection.execute(uploads.update().where(row).values(remove_ms=None, removal_begun_ms=None))


def postpone_removal(connection: Connection, removal: Removal, next_ms: int) -> None:
    """Try again at `next_ms`; until then it may be held."""
    again = {"remove_ms": next_ms, "removal_begun_ms": None}
    connection.execute(uploads.update().where(uploads.c.id == removal.upload_id).values(again))


def forget_uploads(connection: Connection, now_ms: int) -> int:
    """Drop the rows of those that ended long ago and left nothing behind. Return how many."""
    gone = connection.execute(
        uploads.delete().where(
            uploads.c.state.in_((UploadState.EXPIRED, UploadState.REJECTED)),
            uploads.c.remove_ms.is_(None),
            uploads.c.expires_ms <= now_ms - REMEMBERED_MS,
        )
    )
    return gone.rowcount
