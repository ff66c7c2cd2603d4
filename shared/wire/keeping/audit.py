"""The audit log as clients see it."""

from datetime import datetime
from typing import Any

from pydantic import Field

from shared.wire.model import WireModel


class AuditEntry(WireModel):
    """Something that was done, and cannot be seen in what is left."""

    id: int = Field(description="Counts up; the log's order", examples=[4711])
    at: datetime = Field(examples=["2026-05-04T12:45:00Z"])
    actor: str = Field(
        description="A key's id; retention where the time was over; operator for a command on the server's machine",
        examples=["k7m2x9qwer45"],
    )
    action: str = Field(examples=["job.deleted"])
    subject: str = Field(
        description="The id of what it was done to: a job, an upload, a key, a tenant",
        examples=["job_01K9ZV6Q0S8M7D3X5B2C4F6G8H"],
    )
    detail: dict[str, Any] = Field(default={}, description="What more is known of it", examples=[{"items": 10}])


class AuditPage(WireModel):
    """One page of the audit log, newest first."""

    entries: list[AuditEntry]
    next_cursor: str | None = Field(
        default=None, description="The cursor of the next page; null on the last", examples=["4711"]
    )
