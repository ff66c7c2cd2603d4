"""probe: what is in a media file."""

from typing import Any

from pydantic import Field

from shared.media.facts import MediaFacts
from shared.operation import Limits, Operation, Slot
from shared.wire.media_input import MediaInput
from shared.wire.model import ClientModel, WireModel


class Params(ClientModel):
    """What to look into."""

    media: MediaInput = Field(description="A video or a sound", examples=["https://example.com/video.mp4"])
    location: bool = Field(default=False, strict=True, description="Tell where it was recorded, if the file says so")


class Result(WireModel):
    """What was found."""

    facts: MediaFacts


def slots(params: Params) -> tuple[Slot, ...]:
    """No files."""
    del params
    return ()


def cost_s(params: Params) -> float:
    """Return seconds: nearly all of them are the download's."""
    del params
    return 1.0


OPERATION: Operation[Any, Any] = Operation(
    name="probe",
    version=1,
    summary="What is in a video or a sound: streams, lengths, sizes, rotation, colours, chapters, when it was made.",
    params=Params,
    result=Result,
    slots=slots,
    cost_s=cost_s,
    limits=Limits(max_input_bytes=5 << 30, timeout_s=300),
)
