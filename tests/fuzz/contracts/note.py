"""note: writes a short text, or fails when it is told to; touches nothing else."""

from typing import Literal

from pydantic import Field

from shared.operation import Limits, Operation, Slot
from shared.wire.model import ClientModel, WireModel


class Params(ClientModel):
    """What to write."""

    text: str = Field(default="note", max_length=200, description="Goes into the file", examples=["hello"])
    end: Literal["completed", "failed"] = Field(default="completed", description="How the item ends")
    times: int = Field(default=1, ge=1, le=5, strict=True, description="How often the text is written")


class Result(WireModel):
    """What was written."""

    characters: int


def slots(params: Params) -> tuple[Slot, ...]:
    """One text file."""
    return (Slot("text", "note.txt", "text/plain", 1 << 16),)


def cost_s(params: Params) -> float:
    """Return next to nothing."""
    return 0.01 * params.times


OPERATION = Operation(
    name="note",
    version=1,
    summary="Writes a note.",
    params=Params,
    result=Result,
    slots=slots,
    cost_s=cost_s,
    limits=Limits(max_input_bytes=1 << 20, timeout_s=60),
)
