"""The audit log: who did what to which thing, and when; written in the transaction that does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.prepared import Prepared
from orchestrator.store.tables import audit

RETENTION = "retention"
"""The actor of what the server does by itself because the time is over."""
OPERATOR = "operator"
"""The actor of what is done on the server's own machine, by a command straight in its database."""

_ADD = Prepared(audit.insert())


class AuditAction(StrEnum):
    """What is recorded."""

    JOB_DELETED = "job.deleted"
    OUTPUTS_DELETED = "outputs.deleted"
    OUTPUTS_LOST = "outputs.lost"
    UPLOAD_DELETED = "upload.deleted"
    UPLOAD_LOST = "upload.lost"
    ORPHANS_DELETED = "orphans.deleted"
    JOB_PINNED = "job.pinned"
    JOB_UNPINNED = "job.unpinned"
    HOLD_SET = "hold.set"
    HOLD_RELEASED = "hold.released"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    TENANT_SUSPENDED = "tenant.suspended"
    TENANT_RESUMED = "tenant.resumed"
    TENANT_SOURCES = "tenant.sources_set"
    SECRET_ROTATED = "webhook_secret.rotated"  # noqa: S105 - the name of a deed


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry."""

    seq: int
    at_ms: int
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries a list shall hold; None means any."""

    action: str | None = None
    subject: str | None = None
    before_seq: int | None = None


def record(
    connection: Connection, tenant: str, actor: str, action: AuditAction, subject: str, at_ms: int, **detail: Any
) -> None:
    """Append an entry: `actor` is a key's id, `RETENTION` or `OPERATOR`; `subject` the id of what it was done to."""
    _ADD.change(
        connection,
        {"tenant": tenant, "at_ms": at_ms, "actor": actor, "action": action, "subject": subject, "detail": detail},
    )


def entries(connection: Connection, tenant: str, wanted: AuditFilter, limit: int) -> Sequence[AuditRow]:
    """Return at most `limit` of a tenant's entries, newest first."""
    columns = (audit.c.seq, audit.c.at_ms, audit.c.actor, audit.c.action, audit.c.subject, audit.c.detail)
    query = sa.select(*columns).where(audit.c.tenant == tenant).order_by(audit.c.seq.desc()).limit(limit)
    if wanted.action is not None:
        query = query.where(audit.c.action == wanted.action)
    if wanted.subject is not None:
        query = query.where(audit.c.subject == wanted.subject)
    if wanted.before_seq is not None:
        query = query.where(audit.c.seq < wanted.before_seq)
    return [AuditRow(*row) for row in connection.execute(query)]
