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

    id: ItemIdText

    @property
    def params(self) -> dict[str, Any]:
        """The fields beside the id, not yet validated."""
        return dict(self.model_extra or {})


class JobRequest(ClientModel):
    """The body of ``POST /v1/jobs``."""

    operation: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$", strict=True)]
    items: list[JobItem] | None = Field(default=None, min_length=1, max_length=MAX_ITEMS)
    input: dict[str, Any] | None = Field(default=None, description='Short for one item with id "0"')
    defaults: dict[str, Any] = Field(default={}, description="Merged under each item, then validated")
    priority: Priority = Priority.NORMAL
    labels: dict[LabelText, Annotated[str, StringConstraints(max_length=256, strict=True)]] = Field(
        default={}, max_length=MAX_LABELS
    )
    queue_ttl_s: int = Field(default=86_400, ge=60, le=604_800, description="How long it may wait for a worker")
    output_ttl_s: int | None = Field(
        default=259_200,
        ge=60,
        le=31_536_000,
        description="How long outputs stay, from completion; null keeps them",
    )

    webhook: Annotated[str, StringConstraints(min_length=1, max_length=2048, strict=True)] | None = Field(
        default=None, description="An https address to which signed events are sent"
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


class OutputView(WireModel):
    """One finished file: a link, and the facts the operation states about it (width, duration_s, …)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    url: str
    content_type: str
    size_bytes: int
    sha256: str


class ItemView(WireModel):
    """One item of a job."""

    id: str
    status: Status
    error: ErrorInfo | None = None
    output: dict[str, OutputView] = Field(default={}, description="By slot name")
    result: dict[str, Any] = Field(default={}, description="What the operation reports beside its files")


class ProgressView(WireModel):
    """How far a running job is."""

    stage: str
    percent: float
    items_done: int
    items_total: int
    eta_s: float | None = None


class JobSummary(WireModel):
    """How the items stand."""

    total: int
    succeeded: int
    failed: int


class JobView(WireModel):
    """A job, with at most 100 of its items."""

    id: str
    operation: str
    operation_version: int
    status: Status
    retry_of: str | None
    progress: ProgressView | None
    items: list[ItemView] = []
    summary: JobSummary
    error: ErrorInfo | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    delay_ms: int = Field(description="From acceptance to the first start")
    execution_ms: int = Field(description="Summed over the job's tasks")
    attempts: int = Field(description="The highest of any task")
    expires_at: datetime | None
    labels: dict[str, str] = {}
    cost: Cost | None = Field(default=None, description="What the workers' time has cost; null without a known price")


class ItemPage(WireModel):
    """One page of a job's items."""

    items: list[ItemView]
    next_cursor: str | None = None


class JobPage(WireModel):
    """One page of jobs, newest first, without their items."""

    jobs: list[JobView]
    next_cursor: str | None = None
