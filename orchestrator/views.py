"""From rows to what clients see: jobs, items, progress, and the stable links to outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from orchestrator.jobs.accept import AcceptedJob
from orchestrator.store.reading import Stored
from shared.clock import to_datetime
from shared.signing import Signer
from shared.wire.cost import Cost
from shared.wire.job import EMBEDDED_ITEMS, JobSummary, JobView, LegalHoldView, ProgressView
from shared.wire.status import Status

OUTPUT_PURPOSE = "output"
"""What output links are signed for."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the links to outputs: stable, ours, and good for as long as the output is kept."""

    signer: Signer
    public_url: str
    cdn_url: str | None = None
    """Where a CDN in front of this server hands out what lies under `/output/`."""

    def output_url(self, job_id: str, item_n: int, slot: str, file_name: str) -> str:
        """Return the link to what an item made in `slot`; `file_name` is what it is saved as."""
        token = self.signer.seal(OUTPUT_PURPOSE, f"{job_id}/{item_n}/{slot}")
        return f"{(self.cdn_url or self.public_url).rstrip('/')}/output/{token}/{file_name}"

    def job_url(self, job_id: str) -> str:
        """Return where a job is read, with a key."""
        return f"{self.public_url.rstrip('/')}/v1/jobs/{job_id}"


def output_file_name(item_id: str, key: str) -> str:
    """Return what an output is saved as: the item's id, then the slot's file name, which ends the key.

    Safe in a URL and in a header: both parts are of ``[A-Za-z0-9._-]``.
    """
    return f"{item_id}-{key.rpartition('/')[2]}"


def item_view(row: Any, job_id: str, links: Links) -> Json:
    """Return an item as clients see it, an `ItemView`; made by hand, since a page has a thousand of them."""
    return {
        "id": row.item_id,
        "status": row.status,
        "error": row.error and from_json(row.error),
        "output": {
            slot: _output_view(row, job_id, slot, stored, links) for slot, stored in from_json(row.outputs).items()
        },
        "result": from_json(row.result),
    }


def _output_view(row: Any, job_id: str, slot: str, stored: Json, links: Links) -> Json:
    return {
        **stored["facts"],  # first: a worker wrote them, and no fact may take the place of what follows
        "url": links.output_url(job_id, row.n, slot, output_file_name(row.item_id, stored["key"])),
        "content_type": stored["content_type"],
        "size_bytes": stored["size_bytes"],
        "sha256": stored["sha256"],
        **_lost(stored.get("lost_ms")),
    }


def _lost(lost_ms: int | None) -> Json:
    return {} if lost_ms is None else {"lost_at": to_datetime(lost_ms)}


def _hold_view(stored: Json | None) -> LegalHoldView | None:
    if stored is None:
        return None
    return LegalHoldView(reason=stored["reason"], author=stored["author"], since=to_datetime(stored["at_ms"]))


def cost_view(amount: float | None, currency: str) -> Cost | None:
    """Return an amount of money as clients see it: millionths are told, no more; None stays None."""
    return None if amount is None else Cost(amount=round(amount, 6), currency=currency)


def job_view(row: Stored, progress: ProgressView | None, currency: str) -> JobView:
    """Return a job as clients see it, without its items."""
    started_ms, created_ms, pinned = row["started_ms"], row["created_ms"], row["pinned_ms"] is not None
    return JobView(
        id=row["id"],
        operation=row["operation"],
        operation_version=row["operation_version"],
        status=row["status"],
        retry_of=row["retry_of"],
        progress=progress,
        summary=JobSummary(total=row["items_total"], succeeded=row["items_succeeded"], failed=row["items_failed"]),
        error=row["error"],
        created_at=to_datetime(created_ms),
        started_at=None if started_ms is None else to_datetime(started_ms),
        completed_at=None if row["completed_ms"] is None else to_datetime(row["completed_ms"]),
        delay_ms=0 if started_ms is None else max(0, started_ms - created_ms),
        execution_ms=row["execution_ms"],
        attempts=row["attempts"],
        expires_at=None if row["expires_ms"] is None or pinned else to_datetime(row["expires_ms"]),
        outputs_deleted_at=None if row["outputs_deleted_ms"] is None else to_datetime(row["outputs_deleted_ms"]),
        pinned=pinned,
        legal_hold=_hold_view(row["legal_hold"]),
        labels=row["labels"],
        cost=cost_view(row["cost"], currency),
    )


def fresh_job_view(job: AcceptedJob) -> Json:
    """Return a job that was stored this moment as clients see it, a `JobView`, without asking the database for it."""
    count = len(job.items)
    return {
        "id": job.id,
        "operation": job.operation,
        "operation_version": job.operation_version,
        "status": Status.IN_QUEUE,
        "retry_of": None,
        "progress": {"stage": "queue", "percent": 0.0, "items_done": 0, "items_total": count, "eta_s": None},
        "items": [
            {"id": item.id, "status": Status.IN_QUEUE, "error": None, "output": {}, "result": {}}
            for item in job.items[:EMBEDDED_ITEMS]
        ],
        "summary": {"total": count, "succeeded": 0, "failed": 0},
        "error": None,
        "created_at": to_datetime(job.created_ms),
        "started_at": None,
        "completed_at": None,
        "delay_ms": 0,
        "execution_ms": 0,
        "attempts": 0,
        "expires_at": None,
        "outputs_deleted_at": None,
        "pinned": False,
        "legal_hold": None,
        "labels": job.labels,
        "cost": None,
    }


def progress_view(job: Stored, tasks: Sequence[Stored], now_ms: int) -> ProgressView | None:
    """Return how far a job is, weighing its tasks by their cost; None once it is over.

    The remaining time is reckoned from the time taken so far, once there is 1 % to reckon from.
    """
    if Status(job["status"]).terminal:
        return None
    cost_s = sum(task["cost_s"] for task in tasks) or 1.0
    percent = sum(_percent(task) * task["cost_s"] for task in tasks) / cost_s
    items_done = max(job["items_succeeded"] + job["items_failed"], sum(_items_done(task) for task in tasks))
    eta_s = None
    if job["started_ms"] is not None and percent >= 1:
        eta_s = round((now_ms - job["started_ms"]) / 1000 * (100 - percent) / percent, 1)
    return ProgressView(
        stage=_stage(job, tasks),
        percent=round(percent, 1),
        items_done=items_done,
        items_total=job["items_total"],
        eta_s=eta_s,
    )


def _percent(task: Stored) -> float:
    if task["status"] == "ENDED":
        return 100.0
    return float(task["progress"]["percent"]) if task["progress"] else 0.0


def _items_done(task: Stored) -> int:
    if task["status"] == "ENDED":
        return int(task["items_total"])
    return len(task["progress"].get("committed", ())) if task["progress"] else 0


def _stage(job: Stored, tasks: Sequence[Stored]) -> str:
    """What the first running task is doing; `start` while no worker has said anything yet, `cancel` until it stops."""
    if job["cancelled_ms"] is not None:
        return "cancel"
    stages = (task["progress"]["stage"] for task in tasks if task["progress"] and task["status"] != "ENDED")
    return next(stages, "queue" if job["status"] == Status.IN_QUEUE else "start")
