"""pieces: a list, and as many files as it is told, which nobody can count beforehand."""

from pydantic import Field

from shared.operation import Limits, Operation, Slot
from shared.wire.model import ClientModel, WireModel


class Params(ClientModel):
    """How many files to make."""

    count: int = Field(default=3, ge=0)


class Result(WireModel):
    """Nothing to report."""


def slots(params: Params) -> tuple[Slot, ...]:
    """Return the list, and the files."""
    return (
        Slot("text", "list.txt", "text/plain", 1 << 20),
        Slot("piece", "piece.bin", "application/octet-stream", 1 << 10, many=600),
    )


def cost_s(params: Params) -> float:
    """Return next to nothing."""
    return 0.01


OPERATION = Operation(
    name="pieces",
    version=1,
    summary="Makes so many files.",
    params=Params,
    result=Result,
    slots=slots,
    cost_s=cost_s,
    limits=Limits(max_input_bytes=1 << 20, timeout_s=60),
)
