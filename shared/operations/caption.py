"""caption: subtitles become part of the picture, in eight styles, or tracks of the file."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.captions.appearance import Appearance
from shared.captions.coverage import missing, named
from shared.captions.languages import Language
from shared.captions.shown import characters
from shared.captions.source import SubtitleSource
from shared.captions.syntax import Format
from shared.media.encoding import Quality
from shared.media.facts import VideoFileFacts
from shared.media.pipeline import PipelineReport
from shared.operation import MAX_FILE_BYTES, Limits, Operation, ParamsWarning, Slot
from shared.wire.media_input import MediaInput
from shared.wire.model import ClientModel, WireModel

MAX_PREVIEW_BYTES = 32 << 20
MAX_TRACKS = 16
_SOURCE = "SRT, WebVTT, ASS, or JSON of words with their times: a file, or the text itself"


class Mode(StrEnum):
    """How subtitles are joined to the video."""

    BURN = "burn"
    SOFT = "soft"


class Track(ClientModel):
    """A track of subtitles that viewers can choose."""

    subtitles: SubtitleSource = Field(description=_SOURCE)
    language: Language | None = Field(default=None, description="ISO 639, two or three letters")
    title: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")] | None = Field(
        default=None, description="What players call it", examples=["Português"]
    )
    default: bool = Field(default=False, strict=True, description="Players show it by themselves")
    forced: bool = Field(default=False, strict=True, description="It is shown even where subtitles are off")


class _Media(ClientModel):
    """What is joined, and how."""

    video: MediaInput = Field(
        description="The video; its sound is copied wherever that is possible",
        examples=["https://example.com/video.mp4"],
    )
    subtitles: SubtitleSource | None = Field(
        default=None,
        description=f"{_SOURCE}; this or `tracks` is needed",
        examples=["https://example.com/captions.srt"],
    )
    tracks: list[Track] = Field(
        default=[], max_length=MAX_TRACKS, description="With `soft`: several tracks, instead of `subtitles`"
    )
    mode: Mode = Field(
        default=Mode.BURN,
        description="`burn` draws the text into the frames; `soft` copies the video and adds the text as tracks",
    )
    quality: Quality = Field(default=Quality.BALANCED, description="How much time to spend on each frame, with `burn`")
    preview_at_s: float | None = Field(
        default=None, ge=0, le=14_400, description="Make a picture as it is at this time, instead of the video"
    )


class Params(Appearance, _Media):
    """What is joined, how, and how it looks. All that concerns looks is for `burn`, but for the wording."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.subtitles is None and not self.tracks:
            raise ValueError("either `subtitles` or `tracks` is needed")
        if self.subtitles is not None and self.tracks:
            raise ValueError("`subtitles` are one track and `tracks` are several: give one of both")
        if self.tracks and self.mode is Mode.BURN:
            raise ValueError("`tracks` are for the mode `soft`; name the subtitles to burn in `subtitles`")
        if self.preview_at_s is not None and self.mode is Mode.SOFT:
            raise ValueError("a preview shows what is burnt: it is not for the mode `soft`")
        if sum(track.default for track in self.tracks) > 1:
            raise ValueError("one track at most is the default")
        return self

    @property
    def all_tracks(self) -> list[Track]:
        """The tracks of the mode `soft`; subtitles alone are one that players show."""
        return self.tracks or [Track(subtitles=self.subtitles or "", default=True)]


class SubtitleReport(WireModel):
    """What was found in one file of subtitles."""

    format: Format = Field(description="What it is written in")
    encoding: str = Field(description="How its letters were encoded", examples=["utf-8"])
    language: str | None = Field(description="As it was asked for; three letters")
    cues: int = Field(description="How many texts there are", examples=[42])
    words: int = Field(description="How many words there are", examples=[311])
    missing_glyphs: list[str] = Field(description="Characters that no font here has: each is drawn as an empty box")
    changes: dict[str, int] = Field(
        description="What was taken out or put right, and how often",
        examples=[{"drawings-removed": 1, "overrides-removed": 3}],
    )


class PreviewFacts(WireModel):
    """The picture that was made."""

    width: int = Field(description="In pixels", examples=[1280])
    height: int = Field(description="In pixels", examples=[720])
    at_s: float = Field(description="The time whose captions it shows", examples=[2.5])


class Result(WireModel):
    """What caption reports of one item."""

    video: VideoFileFacts | None = Field(default=None, description="Null with `preview_at_s`")
    preview: PreviewFacts | None = Field(default=None, description="Null without `preview_at_s`")
    subtitles: list[SubtitleReport] = Field(description="One for each file, in their order")
    pipeline: PipelineReport


def slots(params: Params) -> tuple[Slot, ...]:
    """One MP4, as large as one PUT can be: how long the video is, nobody knows yet. Or one JPEG."""
    if params.preview_at_s is not None:
        return (Slot("preview", "preview.jpg", "image/jpeg", MAX_PREVIEW_BYTES),)
    return (Slot("video", "video.mp4", "video/mp4", MAX_FILE_BYTES),)


def cost_s(params: Params) -> float:
    """Return seconds for a video of a minute in 1080p on two CPU cores (bench/media.py), or for a copy of it."""
    if params.preview_at_s is not None:
        return 1.5
    return 2.0 if params.mode is Mode.SOFT else 25.0


def warnings(params: Params) -> tuple[ParamsWarning, ...]:
    """Tell which characters of subtitles in the request no font has; files are read only when it runs."""
    if params.mode is Mode.SOFT or params.subtitles is None or isinstance(params.subtitles, MediaInput):
        return ()
    absent = missing(characters(params.subtitles, params), params.font.family)
    if not absent:
        return ()
    detail = f"No font here has {named(absent)}: each is drawn as an empty box."
    return (ParamsWarning("/subtitles", "missing-glyphs", detail),)


OPERATION = Operation(
    name="caption",
    version=1,
    summary="A video gets captions: drawn into it in one of eight styles, or as tracks that viewers can choose.",
    params=Params,
    result=Result,
    slots=slots,
    cost_s=cost_s,
    limits=Limits(max_input_bytes=5 << 30, timeout_s=3600),
    warnings=warnings,
)
