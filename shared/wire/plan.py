"""What a dry run tells of a job: how it would be cut, what it would make, how long it would take and cost."""

from typing import Any, Literal

from pydantic import Field

from shared.wire.cost import Cost
from shared.wire.model import WireModel

MAX_WARNINGS = 100


class PlannedOutput(WireModel):
    """One file that an item would make."""

    slot: str = Field(examples=["video"])
    content_type: str = Field(examples=["video/mp4"])
    max_bytes: int = Field(description="The largest that is taken", examples=[33554432])
    max_files: int = Field(
        default=1, description="More than 1: up to so many files, each a slot by its number: `SLOT_00000` and so on"
    )
    facts: dict[str, Any] = Field(
        default={}, description="What is known of the file beforehand", examples=[{"width": 1920, "height": 1080}]
    )


class PlannedItem(WireModel):
    """One item as it would run."""

    id: str = Field(examples=["item-1"])
    params: dict[str, Any] = Field(
        description="All parameters, defaults filled in",
        examples=[{"image": "https://example.com/photo.jpg", "duration_s": 4.0, "width": 1280, "height": 720}],
    )
    outputs: list[PlannedOutput]
    work_s: float = Field(description="Expected seconds of a worker", examples=[3.7])


class PlannedTask(WireModel):
    """What one worker would take at once."""

    item_ids: list[str] = Field(examples=[["item-1", "item-2"]])
    work_s: float = Field(description="Expected seconds of a worker", examples=[7.4])


class PlanWarning(WireModel):
    """What an item will hardly be as wished in, though it would be taken and run."""

    item: str = Field(description="The item's id", examples=["item-1"])
    pointer: str = Field(
        description="JSON pointer (RFC 6901) into the item's parameters, as `items` shows them", examples=["/subtitles"]
    )
    code: str = Field(examples=["missing-glyphs"])
    detail: str = Field(examples=["No font here has 漢 (U+6F22): each is drawn as an empty box."])


class Estimate(WireModel):
    """How long a job would take, were it submitted now."""

    basis: Literal["hint", "measured"] = Field(
        description="Whether past jobs of this operation were measured here, or the operation's own guess has to do"
    )
    work_s: float = Field(description="Seconds of workers, all tasks together", examples=[7.4])
    start_in_s: float = Field(description="Until a worker is free, with what waits already", examples=[0.0])
    finish_in_s: float = Field(description="Until the last item has ended", examples=[7.4])
    cost: Cost | None = Field(default=None, description="null where the server knows no price")


class JobPlan(WireModel):
    """The answer of ``POST /v1/jobs?dry_run=true``. Nothing was stored."""

    operation: str = Field(examples=["img2vid"])
    operation_version: int = Field(description="Of the operation's contract", examples=[1])
    items_total: int = Field(examples=[2])
    items: list[PlannedItem] = Field(description="The first 100")
    tasks: list[PlannedTask]
    estimate: Estimate
    warnings: list[PlanWarning] = Field(default=[], description=f"The first {MAX_WARNINGS}, of all items")
