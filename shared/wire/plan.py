"""What a dry run tells of a job: how it would be cut, what it would make, how long it would take and cost."""

from typing import Any, Literal

from pydantic import Field

from shared.wire.cost import Cost
from shared.wire.model import WireModel


class PlannedOutput(WireModel):
    """One file that an item would make."""

    slot: str = Field(examples=["video"])
    content_type: str = Field(examples=["video/mp4"])
    max_bytes: int = Field(description="The largest that is taken")
    facts: dict[str, Any] = Field(
        default={}, description="What is known of the file beforehand", examples=[{"width": 1920, "height": 1080}]
    )


class PlannedItem(WireModel):
    """One item as it would run."""

    id: str
    params: dict[str, Any] = Field(description="All parameters, defaults filled in")
    outputs: list[PlannedOutput]
    work_s: float = Field(description="Expected seconds of a worker")


class PlannedTask(WireModel):
    """What one worker would take at once."""

    item_ids: list[str]
    work_s: float


class Estimate(WireModel):
    """How long a job would take, were it submitted now."""

    basis: Literal["hint", "measured"] = Field(
        description="Whether past jobs of this operation were measured here, or the operation's own guess has to do"
    )
    work_s: float = Field(description="Seconds of workers, all tasks together")
    start_in_s: float = Field(description="Until a worker is free, with what waits already")
    finish_in_s: float
    cost: Cost | None = Field(default=None, description="null where the server knows no price")


class JobPlan(WireModel):
    """The answer of ``POST /v1/jobs?dry_run=true``. Nothing was stored."""

    operation: str
    operation_version: int
    items_total: int
    items: list[PlannedItem] = Field(description="The first 100")
    tasks: list[PlannedTask]
    estimate: Estimate
