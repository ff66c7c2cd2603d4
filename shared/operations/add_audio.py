"""add_audio: a video gets another sound, or one more."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from shared.media.facts import VideoFileFacts
from shared.media.pipeline import PipelineReport
from shared.operation import MAX_FILE_BYTES, Limits, Operation, Slot
from shared.wire.media_input import MediaInput
from shared.wire.model import ClientModel, WireModel


class Mode(StrEnum):
    """What becomes of the sound that the video has."""

    REPLACE = "replace"
    MIX = "mix"
    DUCK = "duck"


class Duration(StrEnum):
    """How long the result is."""

    VIDEO = "video"
    AUDIO = "audio"
    SHORTEST = "shortest"
    LONGEST = "longest"


class Params(ClientModel):
    """What is joined, and how."""

    video: MediaInput = Field(
        description="The video; its frames are copied as they are wherever that is possible",
        examples=["https://example.com/video.mp4"],
    )
    audio: MediaInput = Field(
        description="The sound: an audio file, or a video whose sound is taken. AAC that is long enough is copied "
        "where nothing below changes it",
        examples=["https://example.com/music.mp3"],
    )
    mode: Mode = Field(
        default=Mode.REPLACE,
        description="`replace` the video's sound, `mix` both, or `duck`: both, the new one softer while the video's "
        "own, such as speech, is loud",
    )
    volume: float = Field(default=1.0, ge=0, le=8, description="Of the new sound; 1 leaves it as it is", examples=[0.5])
    original_volume: float = Field(
        default=1.0, ge=0, le=8, description="Of the video's own sound, with `mix` and `duck`", examples=[0.8]
    )
    offset_s: float = Field(default=0.0, ge=0, le=14_400, description="When the new sound begins in the video")
    start_s: float = Field(
        default=0.0,
        ge=0,
        le=14_400,
        description="What is left out of the new sound's beginning; with `loop`, the first time",
    )
    loop: bool = Field(default=False, strict=True, description="Repeat the new sound to the end of the video")
    fade_in_s: float = Field(default=0.0, ge=0, le=600, description="How long the new sound rises")
    fade_out_s: float = Field(default=0.0, ge=0, le=600, description="How long the new sound falls, at its end")
    duration: Duration = Field(
        default=Duration.VIDEO,
        description="How long the result is: as the `video`, the `audio`, the `shortest` or the `longest` of them; "
        "beyond its end the video's last frame stays",
    )
    loudness_lufs: float | None = Field(
        default=None,
        ge=-70,
        le=-5,
        description="Bring the whole to this loudness (EBU R128), measured first; null leaves it. Streaming services "
        "want about -14, broadcasters -23",
        examples=[-14],
    )

    @model_validator(mode="after")
    def _an_end_is_known(self) -> Self:
        if self.loop and self.duration is Duration.AUDIO:
            raise ValueError("a sound that is repeated has no end: choose another duration")
        return self


class LoudnessFacts(WireModel):
    """What the loudness was and is (EBU R128)."""

    before_lufs: float | None = Field(description="Measured before; null for silence", examples=[-22.4])
    after_lufs: float | None = Field(description="Measured in the result; null for silence", examples=[-14.1])


class Result(WireModel):
    """What add_audio reports of one item."""

    video: VideoFileFacts
    pipeline: PipelineReport
    loudness: LoudnessFacts | None = Field(description="Null unless a loudness was asked for")


def slots(params: Params) -> tuple[Slot, ...]:
    """One MP4, as large as one PUT can be: the video is copied, and nobody knows how large it is."""
    del params
    return (Slot("video", "video.mp4", "video/mp4", MAX_FILE_BYTES),)


def cost_s(params: Params) -> float:
    """Return seconds for some minutes of video: copied, with the sound encoded, and decoded once more to measure it."""
    return 3.0 if params.loudness_lufs is None else 5.0


OPERATION = Operation(
    name="add_audio",
    version=1,
    summary="A video gets another sound, or one more: replaced, mixed, or ducked under speech; frames are copied.",
    params=Params,
    result=Result,
    slots=slots,
    cost_s=cost_s,
    limits=Limits(max_input_bytes=5 << 30, timeout_s=3600),
)
