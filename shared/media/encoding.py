"""How videos are encoded: as what, how well, and by which encoder."""

from enum import StrEnum

from pydantic import Field

from shared.wire.model import WireModel


class Codec(StrEnum):
    """How frames are encoded: H.264 plays everywhere, the others are smaller and take longer."""

    H264 = "h264"
    HEVC = "hevc"
    AV1 = "av1"


class Quality(StrEnum):
    """How much time to spend on each frame."""

    DRAFT = "draft"
    BALANCED = "balanced"
    HIGH = "high"


class EncoderReport(WireModel):
    """Which encoder ran and why."""

    name: str = Field(description="FFmpeg's name of the encoder", examples=["libx264"])
    reason: str = Field(
        description="Why this one", examples=["h264_nvenc can't be used here: Cannot load libcuda.so.1"]
    )
