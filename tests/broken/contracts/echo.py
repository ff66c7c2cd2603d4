"""echo: the good one; writes its text to a file."""

from pydantic import Field

from shared.operation import Limits, Operation, Slot
from shared.wire.media_input import MediaInput
from shared.wire.model import ClientModel, WireModel


class Params(ClientModel):
    """What to write, and how long to take over it."""

    text: str = "echo"
    sleep_s: float = Field(default=0.0, ge=0, le=3600, description="Honours the order to stop")
    image: MediaInput | None = Field(default=None, description="Its bytes follow the text in the output")
    journal: str = Field(default="", description="A local file; each start adds the line `TEXT PID`")


class TextFacts(WireModel):
    """Facts about the file."""

    characters: int


class Result(WireModel):
    """What echo reports."""

    text: TextFacts
    pid: int
    threads: int
    source_bytes: int


def slots(params: Params) -> tuple[Slot, ...]:
    """One text file."""
    return (Slot("text", "echo.txt", "text/plain", 16 << 20),)


def cost_s(params: Params) -> float:
    """Return the time it sleeps."""
    return 0.01 + params.sleep_s


OPERATION = Operation(
    name="echo",
    version=1,
    summary="Writes a text file.",
    params=Params,
    result=Result,
    slots=slots,
    cost_s=cost_s,
    limits=Limits(max_input_bytes=8 << 20, timeout_s=60),
)
