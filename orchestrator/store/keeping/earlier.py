"""Outputs of earlier jobs as inputs: where they lie, and why a job can't have one."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.tables import items, jobs
from shared.wire.media_input import MediaInput


@dataclass(frozen=True, slots=True)
class EarlierOutput:
    """A file that an earlier job of the tenant's made, and that is still there."""

    job_id: str
    key: str
    expires_ms: int | None
    """None too while the job is pinned."""
    etag: str | None
    """As the storage told it when the item completed."""


def find_output(connection: Connection, tenant: str, media: MediaInput) -> EarlierOutput | None:
    """Return what ``output://job/item/slot`` of this tenant's names; None where it is not or no longer."""
    job_id, item_id, slot = media.removeprefix("output://").split("/")
    found = connection.execute(
        sa.select(items.c.outputs, jobs.c.expires_ms, jobs.c.pinned_ms)
        .join(jobs, jobs.c.id == items.c.job_id)
        .where(
            items.c.tenant == tenant,
            items.c.job_id == job_id,
            items.c.item_id == item_id,
            jobs.c.outputs_deleted_ms.is_(None),
        )
    ).one_or_none()
    stored: dict[str, Any] = {} if found is None else found.outputs.get(slot, {})
    if found is None or not stored or "lost_ms" in stored:
        return None
    expires_ms = found.expires_ms if found.pinned_ms is None else None
    return EarlierOutput(job_id, stored["key"], expires_ms, stored.get("etag"))


def unusable_output(media: MediaInput, output: EarlierOutput | None, now_ms: int) -> str | None:
    """Return why a new job can't have an output; None if it can."""
    if output is None:
        return f"there is no {media}"
    if output.expires_ms is not None and output.expires_ms <= now_ms:
        return f"{media} has expired; pin its job to use it"
    return None
