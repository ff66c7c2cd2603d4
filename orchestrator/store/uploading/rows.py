"""Uploads as rows: made, read, completed, rejected, ended. Every query names the tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.keeping.audit import RETENTION, AuditAction, record
from orchestrator.store.keeping.held import object_is_held
from orchestrator.store.keeping.uses import in_use
from orchestrator.store.tables import uploads
from orchestrator.store.tenants import ensure_tenant
from shared.refusals import LegalHold, NotFound, TooManyUploads, UploadInUse
from shared.uploads.upload import UploadState

DELETED = "deleted"
"""The state of an upload that its tenant sees no longer, while its object is still to be removed."""


@dataclass(frozen=True, slots=True)
class UploadRow:
    """One upload; times in epoch milliseconds."""

    id: str
    tenant: str
    key_id: str
    state: str
    name: str
    object_key: str
    content_type: str
    size_bytes: int
    sha256: str | None
    verified: bool
    multipart_id: str | None
    part_bytes: int | None
    etag: str | None
    problem: Mapping[str, str] | None
    created_ms: int
    completed_ms: int | None
    expires_ms: int
    grants_end_ms: int

    def is_over(self, now_ms: int) -> bool:
        """Whether its time is over, marked or not yet."""
        return self.state == UploadState.EXPIRED or (self.state != UploadState.REJECTED and self.expires_ms <= now_ms)


COLUMNS = tuple(uploads.c[name] for name in UploadRow.__dataclass_fields__)
"""What a row is made of."""


def insert_waiting(connection: Connection, row: UploadRow, most_waiting: int) -> None:
    """Store an upload that waits for its file; TooManyUploads if the tenant has as many of them."""
    check_waiting(connection, row.tenant, most_waiting)
    _insert(connection, row)


def check_waiting(connection: Connection, tenant: str, most_waiting: int) -> None:
    """Raise TooManyUploads if the tenant has so many uploads that wait."""
    waiting = sa.select(sa.func.count()).where(uploads.c.tenant == tenant, uploads.c.state == UploadState.WAITING)
    if connection.execute(waiting).scalar_one() >= most_waiting:
        raise TooManyUploads(f"{most_waiting} uploads are waiting for their files; complete or delete some.")


def insert_again(connection: Connection, row: UploadRow, known: UploadRow) -> bool:
    """Store an upload of a file that is here already, as `known`; False if that one has ended meanwhile."""
    still = sa.select(uploads.c.id).where(uploads.c.id == known.id, uploads.c.state == UploadState.COMPLETED)
    if connection.execute(still).scalar() is None:
        return False
    _insert(connection, row)
    return True


def _insert(connection: Connection, row: UploadRow) -> None:
    ensure_tenant(connection, row.tenant, row.created_ms)
    connection.execute(uploads.insert(), {name: getattr(row, name) for name in UploadRow.__dataclass_fields__})


def own_upload(connection: Connection, tenant: str, upload_id: str) -> UploadRow:
    """Return a tenant's upload; NotFound."""
    query = sa.select(*COLUMNS).where(uploads.c.id == upload_id, uploads.c.tenant == tenant, uploads.c.state != DELETED)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return UploadRow(*row)


def list_uploads(
    connection: Connection, tenant: str, state: str | None, before_id: str | None, limit: int
) -> list[UploadRow]:
    """Return a tenant's uploads, newest first."""
    query = sa.select(*COLUMNS).where(uploads.c.tenant == tenant, uploads.c.state != DELETED)
    if state is not None:
        query = query.where(uploads.c.state == state)
    if before_id is not None:
        query = query.where(uploads.c.id < before_id)
    return [UploadRow(*row) for row in connection.execute(query.order_by(uploads.c.id.desc()).limit(limit))]


def find_same(connection: Connection, tenant: str, sha256: str, content_type: str, now_ms: int) -> UploadRow | None:
    """Return a tenant's living upload of a file with that SHA-256, which was verified."""
    query = sa.select(*COLUMNS).where(
        uploads.c.tenant == tenant,
        uploads.c.sha256 == sha256,
        uploads.c.content_type == content_type,
        uploads.c.verified,
        uploads.c.state == UploadState.COMPLETED,
        uploads.c.expires_ms > now_ms,
    )
    row = connection.execute(query.order_by(uploads.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else UploadRow(*row)


def mark_completed(
    connection: Connection, row: UploadRow, etag: str | None, *, verified: bool, now_ms: int, keep_ms: int
) -> bool:
    """Pin what has arrived; return whether the upload was still waiting, else nothing happens."""
    return _change_waiting(
        connection,
        row,
        state=UploadState.COMPLETED,
        etag=etag,
        verified=verified,
        completed_ms=now_ms,
        expires_ms=now_ms + keep_ms,
    )


def mark_rejected(connection: Connection, row: UploadRow, problem: Mapping[str, Any], now_ms: int) -> None:
    """Keep why the file was not taken, and order its removal."""
    if _change_waiting(connection, row, state=UploadState.REJECTED, problem=dict(problem), remove_ms=now_ms):
        gone = {"state": UploadState.REJECTED, "size_bytes": row.size_bytes}
        record(connection, row.tenant, RETENTION, AuditAction.UPLOAD_DELETED, row.id, now_ms, **gone)


def mark_lost(connection: Connection, row: UploadRow, now_ms: int) -> None:
    """End an upload of which the store knows nothing any more."""
    if _change_waiting(connection, row, state=UploadState.EXPIRED, remove_ms=now_ms):
        record(connection, row.tenant, RETENTION, AuditAction.UPLOAD_LOST, row.id, now_ms)


def _change_waiting(connection: Connection, row: UploadRow, **values: Any) -> bool:
    own = uploads.update().where(uploads.c.id == row.id, uploads.c.state == UploadState.WAITING)
    return connection.execute(own.values(**values)).rowcount > 0


def delete_upload(connection: Connection, tenant: str, upload_id: str, author: str, now_ms: int) -> None:
    """Let an upload be seen no longer, and order its object's removal; NotFound, UploadInUse, LegalHold."""
    row = own_upload(connection, tenant, upload_id)
    if object_is_held(connection, row.object_key):
        raise LegalHold("A job on legal hold was made from this upload.")
    if connection.execute(sa.select(in_use(row.id))).scalar():
        raise UploadInUse
    connection.execute(uploads.update().where(uploads.c.id == row.id).values(state=DELETED, remove_ms=now_ms))
    record(connection, tenant, author, AuditAction.UPLOAD_DELETED, upload_id, now_ms, size_bytes=row.size_bytes)
