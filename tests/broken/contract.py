"""What the contracts of the tiny operations have in common: one text file, and hardly a parameter."""

from typing import Any

from pydantic import Field

from shared.operation import AnyOperation, Limits, Operation, Slot
from shared.wire.model import ClientModel, WireModel


class Params(ClientModel):
    """Enough for each of them; most look at nothing."""

    text: str = ""
    seconds: float = Field(default=0.0, ge=0, le=3600)
    marker: str = Field(default="", description="A local file by which a later run knows of an earlier one")


class Result(WireModel):
    """Anything."""

    note: Any = None


def contract(name: str, summary: str, *, max_bytes: int = 1 << 20, timeout_s: float = 3600) -> AnyOperation:
    """Return the contract of an operation that writes the slot `text`."""

    def slots(params: Params) -> tuple[Slot, ...]:
        return (Slot("text", "out.txt", "text/plain", max_bytes),)

    def cost_s(params: Params) -> float:
        return 0.01 + params.seconds

    return Operation(
        name=name,
        version=1,
        summary=summary,
        params=Params,
        result=Result,
        slots=slots,
        cost_s=cost_s,
        limits=Limits(max_input_bytes=1 << 20, timeout_s=timeout_s),
    )
