"""What one read for a job's stream finds, made ready to be sent."""

from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json
from sqlalchemy.engine import Connection
from sse_starlette import ServerSentEvent

from orchestrator.store.events import events_after, items_named
from orchestrator.store.reading import Stored, job_row, task_rows
from orchestrator.views import Json, Links, item_view, progress_view
from shared.clock import to_datetime
from shared.wire.job import JobSummary, ProgressView
from shared.wire.status import Status

PAGE = 100
"""How many events are read and sent at once."""
ITEM_OUTPUT_BYTES = 16 << 10
"""The longest list of an item's files that an event carries."""


@dataclass(frozen=True, slots=True)
class News:
    """What one read found."""

    seq: int
    sent: bytes = b""
    progress: ProgressView | None = None
    more: bool = False
    ended: bool = False


def read_news(
    connection: Connection, *, links: Links, tenant: str, job_id: str, seq: int, progress_at_ms: int | None
) -> News:
    """Read what came after `seq`, and how far the job is at `progress_at_ms` unless that is None or more is to be read.

    The job's row is read last, so that it is no older than the events beside it.
    """
    rows = events_after(connection, tenant, job_id, seq, PAGE)
    named = [row.data["id"] for row in rows if row.type == "item"]
    items = {item.item_id: item for item in items_named(connection, tenant, job_id, named)}
    job = job_row(connection, tenant, job_id)
    if job is None:
        return News(seq, ended=True)
    sent = bytearray()
    ended = False
    for row in rows:
        at = to_datetime(row.at_ms)
        if row.type == "status":
            ended = Status(row.data["status"]).terminal
            view = _status_view(row.data["status"], job if ended else None)
        else:
            view = _item_view(item_view(items[row.data["id"]], job_id, links))
        sent += message(row.type, {**view, "at": at}, row.seq)
    more = len(rows) == PAGE and not ended
    progress = None
    if progress_at_ms is not None and not more and not ended:
        progress = progress_view(job, task_rows(connection, tenant, job_id), progress_at_ms)
    return News(rows[-1].seq if rows else seq, bytes(sent), progress, more, ended)


def _status_view(status: str, ended_job: Stored | None) -> Json:
    if ended_job is None:
        return {"status": status}
    summary = JobSummary(
        total=ended_job["items_total"], succeeded=ended_job["items_succeeded"], failed=ended_job["items_failed"]
    )
    return {"status": status, "summary": summary, "error": ended_job["error"]}


def _item_view(view: Json) -> Json:
    """Return an item as an event shows it: without its report, and with its files unless they are very many."""
    del view["result"]
    if len(to_json(view["output"])) > ITEM_OUTPUT_BYTES:
        view["output"] = None
    return view


def message(kind: str, data: Any, seq: int | None = None) -> bytes:
    """Return one event; progress has no number, since it is not stored."""
    text = to_json(data).decode()
    return ServerSentEvent(text, event=kind, id=None if seq is None else str(seq), sep="\n").encode()
