"""Jobs as clients see them: the request, the job, its items."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from shared.wire.cost import Cost
from shared.wire.model import ClientModel, WireModel
from shared.wire.problem import ErrorInfo
from shared.wire.status import JobEvent, Status

MAX_ITEMS = 1000
EMBEDDED_ITEMS = 100
MAX_LABELS = 16

ItemIdText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,128}$", strict=True)]
LabelText = Annotated[str, StringConstraints(min_length=1, max_length=128, strict=True)]


class Priority(StrEnum):
    """Which jobs go first when there are more than workers."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class JobItem(ClientModel):
    """One call of the operation: an id and the operation's parameters beside it."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    id: ItemIdText = Field(description="Yours; unique in the job", examples=["item-1"])

    @property
    def params(self) -> dict[str, Any]:
        """The fields beside the id, not yet validated."""
        return dict(self.model_extra or {})


class JobRequest(ClientModel):
    """The body of ``POST /v1/jobs``."""

    operation: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$", strict=True)] = Field(
        description="What to do; GET /v1/operations lists them", examples=["img2vid"]
    )
    items: list[JobItem] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_ITEMS,
        description="One call of the operation each: an id, and the parameters beside it",
    )
    input: dict[str, Any] | None = Field(default=None, description='Short for one item with id "0"')
    defaults: dict[str, Any] = Field(default={}, description="Merged under each item, then validated")
    priority: Priority = Field(default=Priority.NORMAL, description="Which of your jobs go first")
    labels: dict[LabelText, Annotated[str, StringConstraints(max_length=256, strict=True)]] = Field(
        default={}, max_length=MAX_LABELS, description="Yours, to find the job by", examples=[{"order": "A-17"}]
    )
    queue_ttl_s: int = Field(default=86_400, ge=60, le=604_800, description="How long it may wait for a worker")
    output_ttl_s: int | None = Field(
        default=259_200,
        ge=60,
        le=31_536_000,
        description="How long outputs stay, from completion; null keeps them",
    )

    webhook: Annotated[str, StringConstraints(min_length=1, max_length=2048, strict=True)] | None = Field(
        default=None,
        description="An https address to which signed events are sent; http only where the server's operator allows it",
        examples=["https://example.com/hook"],
        json_schema_extra={"pattern": "^https?://"},
    )
    webhook_events: list[JobEvent] | None = Field(
        default=None,
        min_length=1,
        max_length=len(JobEvent),
        description="The events that the webhook is sent; default: all with which a job ends",
    )

    @model_validator(mode="after")
    def _one_way_of_naming_items(self) -> "JobRequest":
        if (self.items is None) == (self.input is None):
            raise ValueError("give either items or input")
        return self

    def all_items(self) -> list[tuple[str, dict[str, Any]]]:
        """Return (id, params with the defaults merged under) of each item, in order."""
        if self.items is None:
            return [("0", {**self.defaults, **(self.input or {})})]
        return [(item.id, {**self.defaults, **item.params}) for item in self.items]


class LegalHoldView(WireModel):
    """Why nothing of a job may be deleted."""

    reason: str = Field(examples=["Case 4711"])
    author: str = Field(description="The id of the key that set it", examples=["k7m2x9qwer45"])
    since: datetime = Field(examples=["2026-05-04T12:45:00Z"])


class OutputView(WireModel):
    """One finished file: a link, and the facts the operation states about it (width, duration_s, …)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    url: str = Field(
        description="Good until the job's expires_at; it needs no key",
        examples=["https://media.example/output/am9iXzAxSzlaVjZRMFM4TTdEM1g1QjJDNEY2RzhIfDB8dmlkZW8/item-1-video.mp4"],
    )
    content_type: str = Field(examples=["video/mp4"])
    size_bytes: int = Field(examples=[812345])
    sha256: str = Field(
        description="Of the file, in hex", examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]
    )
    lost_at: datetime | None = Field(
        default=None,
        description="When the file was found to be gone from the storage; its link answers 410",
        examples=[None],
    )


class ItemView(WireModel):
    """One item of a job."""

    id: str = Field(description="As it was submitted", examples=["item-1"])
    status: Status = Field(examples=["COMPLETED"])
    error: ErrorInfo | None = Field(default=None, description="Why it did not complete", examples=[None])
    output: dict[str, OutputView] = Field(default={}, description="The item's files, by slot name")
    result: dict[str, Any] = Field(
        default={},
        description="What the operation reports beside its files",
        examples=[{"encoder": {"name": "h264_nvenc", "reason": "first choice"}}],
    )


class ProgressView(WireModel):
    """How far a running job is."""

    stage: str = Field(description="Now: queue, start, fetch, encode, upload, …; or cancel", examples=["encode"])
    percent: float = Field(description="Of the whole job's work", examples=[41.5])
    items_done: int = Field(examples=[4])
    items_total: int = Field(examples=[10])
    eta_s: float | None = Field(
        default=None, description="Expected seconds to the end; null while nothing is known", examples=[12.0]
    )


class JobSummary(WireModel):
    """How the items stand."""

    total: int = Field(examples=[10])
    succeeded: int = Field(examples=[4])
    failed: int = Field(description="FAILED, CANCELLED and TIMED_OUT together", examples=[0])


class ListedJob(WireModel):
    """A job as a list shows it: without its items."""

    id: str = Field(examples=["job_01K9ZV6Q0S8M7D3X5B2C4F6G8H"])
    operation: str = Field(examples=["img2vid"])
    operation_version: int = Field(description="Of the operation's contract, when the job was taken", examples=[1])
    status: Status = Field(examples=["IN_PROGRESS"])
    retry_of: str | None = Field(description="The job whose items these were, for a retry", examples=[None])
    progress: ProgressView | None = Field(description="Null once the job has ended")
    summary: JobSummary
    error: ErrorInfo | None = Field(description="What all of its items failed with, if they did", examples=[None])
    created_at: datetime = Field(examples=["2026-05-04T12:30:00Z"])
    started_at: datetime | None = Field(
        description="When the first worker took some of it", examples=["2026-05-04T12:30:01Z"]
    )
    completed_at: datetime | None = Field(description="When it ended, whichever way", examples=[None])
    delay_ms: int = Field(description="From acceptance to the first start", examples=[812])
    execution_ms: int = Field(description="Summed over the job's tasks", examples=[20456])
    attempts: int = Field(description="The highest of any task", examples=[1])
    expires_at: datetime | None = Field(
        description="When the outputs go; null while the job runs, for outputs that stay, and for a pinned job",
        examples=[None],
    )
    outputs_deleted_at: datetime | None = Field(
        default=None, description="When they went, their time being over; the record stays", examples=[None]
    )
    pinned: bool = Field(default=False, description="Whether its outputs stay beyond their time", examples=[False])
    legal_hold: LegalHoldView | None = Field(
        default=None, description="While it is on one, nothing of the job may be deleted", examples=[None]
    )
    labels: dict[str, str] = Field(default={}, description="As they were submitted", examples=[{"order": "A-17"}])
    cost: Cost | None = Field(default=None, description="What the workers' time has cost; null without a known price")


class JobView(ListedJob):
    """A job, with at most 100 of its items."""

    items: list[ItemView] = Field(default=[], description="The first 100; …/items has all of them")


class ItemPage(WireModel):
    """One page of a job's items."""

    items: list[ItemView]
    next_cursor: str | None = Field(
        default=None, description="The cursor of the next page; null on the last", examples=["99"]
    )


class JobPage(WireModel):
    """One page of jobs, newest first, without their items."""

    jobs: list[ListedJob]
    next_cursor: str | None = Field(
        default=None,
        description="The cursor of the next page; null on the last",
        examples=["job_01K9ZV6Q0S8M7D3X5B2C4F6G8H"],
    )
