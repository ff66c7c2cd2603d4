"""img2vid: a photo becomes a video with camera motion."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from shared.media.encoding import Codec, EncoderReport, Quality
from shared.media.facts import VideoFileFacts
from shared.media.pipeline import PipelineReport
from shared.operation import Limits, Operation, Slot
from shared.wire.media_input import MediaInput
from shared.wire.model import ClientModel, WireModel

LONGEST_S = 1200.0
"""The longest that an item is expected to take: with the slowest quality that is still within its time limit."""


class Motion(StrEnum):
    """Where the camera goes."""

    ZOOM_IN = "zoom_in"
    ZOOM_OUT = "zoom_out"
    PAN_LEFT = "pan_left"
    PAN_RIGHT = "pan_right"
    PAN_UP = "pan_up"
    PAN_DOWN = "pan_down"
    NONE = "none"


class Fit(StrEnum):
    """How a photo of another shape fills the frame: cut at the edges, or whole with bars or itself behind it."""

    COVER = "cover"
    CONTAIN = "contain"
    BLUR = "blur"


class Easing(StrEnum):
    """How the camera's speed changes: it is even, or rises, falls, or both."""

    LINEAR = "linear"
    EASE_IN = "ease_in"
    EASE_OUT = "ease_out"
    EASE_IN_OUT = "ease_in_out"


_FRAMES_PER_S = {Codec.H264: 30, Codec.HEVC: 10, Codec.AV1: 15}
"""Of 1080p, on two CPU cores."""


def _even(pixels: int) -> int:
    if pixels % 2:
        raise ValueError("must be even, as 4:2:0 video needs")
    return pixels


Side = Annotated[int, Field(ge=64, le=4096, strict=True, json_schema_extra={"multipleOf": 2}), AfterValidator(_even)]


class Focus(ClientModel):
    """The point the camera closes in on, as fractions of the photo from its top left corner."""

    x: float = Field(default=0.5, ge=0, le=1, description="Where across the photo the camera closes in, from the left")
    y: float = Field(default=0.5, ge=0, le=1, description="Where down the photo the camera closes in, from the top")


class Params(ClientModel):
    """What one video is made from."""

    image: MediaInput = Field(description="JPEG, PNG, WebP, HEIC or AVIF; EXIF orientation is honoured")
    duration_s: float = Field(default=5.0, ge=0.5, le=60, description="Length of the video", examples=[4])
    width: Side = Field(default=1920, description="Of the frame, in pixels", examples=[1280])
    height: Side = Field(default=1080, description="Of the frame, in pixels", examples=[720])
    fps: int = Field(default=24, ge=1, le=120, strict=True, description="Frames per second")
    motion: Motion = Motion.ZOOM_IN
    zoom: float = Field(default=1.324, ge=1, le=4, description="How much closer the nearest view is")
    focus: Focus = Focus()
    fit: Fit = Field(
        default=Fit.COVER,
        description="How a photo of another shape fills the frame: cut at the edges, whole with black bars, or whole "
        "with itself blurred behind it",
    )
    easing: Easing = Field(default=Easing.LINEAR, description="Whether the camera starts and stops softly")
    ping_pong: bool = Field(default=False, strict=True, description="Go there and back, for videos that are looped")
    audio: MediaInput | None = Field(
        default=None,
        description="A sound for the video, from its beginning; what is longer is cut and fades out in half a second",
    )
    codec: Codec = Field(default=Codec.H264, description="`h264` plays everywhere; `hevc` and `av1` are smaller")
    quality: Quality = Quality.BALANCED

    @model_validator(mode="after")
    def _can_be_done_in_time(self) -> Self:
        if cost_s(self) > LONGEST_S:
            raise ValueError("so many large frames take too long; make the video smaller, shorter or of less fps")
        return self

    @property
    def frames(self) -> int:
        """How many frames the video has."""
        return max(1, round(self.duration_s * self.fps))


class Result(WireModel):
    """What img2vid reports of one item."""

    video: VideoFileFacts
    encoder: EncoderReport
    pipeline: PipelineReport


def slots(params: Params) -> tuple[Slot, ...]:
    """One MP4; at most 1 bit per pixel and frame, and never under 32 MiB."""
    return (
        Slot(
            "video",
            "video.mp4",
            "video/mp4",
            max(32 << 20, params.width * params.height * params.frames // 8),
        ),
    )


def cost_s(params: Params) -> float:
    """Return seconds on two CPU cores: about 30 frames of 1080p per second as H.264 (bench/img2vid.py)."""
    return 0.5 + params.frames / _FRAMES_PER_S[params.codec] * (params.width * params.height) / (1920 * 1080)


def foreseen(params: Params) -> dict[str, dict[str, Any]]:
    """Return the video's size and length, which the parameters fix."""
    return {
        "video": {
            "width": params.width,
            "height": params.height,
            "duration_s": round(params.frames / params.fps, 3),
            "fps": float(params.fps),
            "frames": params.frames,
        }
    }


OPERATION = Operation(
    name="img2vid",
    version=1,
    summary="A photo becomes a video with smooth camera motion.",
    params=Params,
    result=Result,
    slots=slots,
    cost_s=cost_s,
    limits=Limits(max_input_bytes=100 << 20, timeout_s=1800),
    foreseen=foreseen,
)
