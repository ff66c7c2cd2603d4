"""Writing a webhook's event into the outbox, in the transaction that it tells of."""

from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json
from sqlalchemy.engine import Connection

from orchestrator.store.reading import Stored, item_rows, job_row, task_rows
from orchestrator.views import Links, item_view, job_view, progress_view
from orchestrator.webhooks.lanes import NewEvent, add_event
from orchestrator.webhooks.wake import Wake
from shared.clock import to_datetime
from shared.ids import new_event_id
from shared.wire.status import JobEvent, Status

MAX_ITEMS = 20
"""A job with more items is told by its address alone."""
MAX_BODY_BYTES = 20_000
"""And so is one whose event would be longer: receivers commonly take no more (Standard Webhooks 1.0)."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Composes events; `links` makes the addresses that they carry, `currency` is that of costs."""

    links: Links
    currency: str = "USD"
    written: Wake = field(default_factory=Wake)
    """Set when there is something to send, still inside the transaction: look by a write, which comes after it."""

    def announce(self, connection: Connection, tenant: str, job_id: str, status: Status, at_ms: int) -> None:
        """Write the event of a job's new status, if its webhook wants it."""
        event = JobEvent.of(status)
        row = None if event is None else job_row(connection, tenant, job_id)
        if event is None or row is None or row["webhook"] is None or not _is_wanted(event, row["webhook_events"]):
            return
        body = self._body(connection, event, row, at_ms)
        new = NewEvent(new_event_id(at_ms), tenant, job_id, event, row["webhook"], body.decode(), at_ms)
        if add_event(connection, new):
            self.written.set()

    def _body(self, connection: Connection, event: JobEvent, row: Stored, at_ms: int) -> bytes:
        url = self.links.job_url(row["id"])
        job = self._job(connection, row, at_ms) if row["items_total"] <= MAX_ITEMS else None
        body = _event_json(event, at_ms, {"url": url, "job": job})
        return body if len(body) <= MAX_BODY_BYTES else _event_json(event, at_ms, {"url": url, "job": None})

    def _job(self, connection: Connection, row: Stored, at_ms: int) -> dict[str, Any]:
        tenant, job_id = row["tenant"], row["id"]
        progress = progress_view(row, task_rows(connection, tenant, job_id), at_ms)
        items = item_rows(connection, tenant, job_id, MAX_ITEMS)
        return {
            **job_view(row, progress, self.currency).model_dump(mode="json"),
            "items": [item_view(item, job_id, self.links) for item in items],
        }


def _is_wanted(event: JobEvent, wanted: list[str] | None) -> bool:
    """Without a choice, everything that a job can end with is told."""
    return event is not JobEvent.STARTED if wanted is None else event in wanted


def _event_json(event: JobEvent, at_ms: int, data: dict[str, Any]) -> bytes:
    return to_json({"type": event, "timestamp": to_datetime(at_ms), "data": data})
