"""Frames as every player shows them: whole, in standard dynamic range, of square pixels, with even sides.

Only what is encoded anew goes through this; frames that are copied stay as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import MediaTooLarge
from shared.media.facts import VideoTrack
from worker.media.source import MAX_PIXELS, MAX_SIDE, MOST_PIXELS, Source

HDR_TRANSFERS = ("smpte2084", "arib-std-b67")
"""PQ and HLG (ITU-R BT.2100)."""
_WHITE_NITS = 203
"""What is white in the standard range is so bright in HDR (ITU-R BT.2408)."""
_SQUARE = 0.01
"""What nobody sees, and what scalers leave who round the sides: such pixels are square."""
_BRIGHTEST_NITS = 1_000
"""HLG's nominal peak, and what most is mastered for; what is brighter is white."""


@dataclass(frozen=True, slots=True)
class Step:
    """A filter of FFmpeg's."""

    name: str
    options: Mapping[str, str | int | float]


def size(source: Source) -> tuple[int, int]:
    """Return width and height of the frames that come out.

    Pixels that are not square become so by more of them, sides become even, as 4:2:0 needs. MediaTooLarge if the
    frame would be larger than what is taken.
    """
    video = source.video
    aspect = 1 / video.pixel_aspect if video.rotation % 180 else video.pixel_aspect
    aspect = 1.0 if abs(aspect - 1) < _SQUARE else aspect
    width, height = round(video.width * max(1.0, aspect)), round(video.height * max(1.0, 1 / aspect))
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise MediaTooLarge(f"The video is shown with {width}×{height} pixels; {MOST_PIXELS}.")
    return width + width % 2, height + height % 2


def steps(source: Source) -> list[Step]:
    """Return the filters that frames go through; none for most videos."""
    video, wanted = source.video, size(source)
    made: list[Step] = []
    if video.interlaced:
        made.append(Step("bwdif", {"mode": "send_frame", "deint": "interlaced"}))
    if is_hdr(video):
        made += _in_standard_range(video)
    if wanted == (video.width + video.width % 2, video.height + video.height % 2):
        if wanted != (video.width, video.height):
            made.append(Step("pad", {"width": wanted[0], "height": wanted[1]}))
    else:
        made.append(Step("scale", {"width": wanted[0], "height": wanted[1]}))
    return [*made, *([Step("setsar", {"sar": 1})] if video.pixel_aspect != 1 else [])]


def applied(frames: Any, source: Source) -> Any:
    """Return the stream of frames with the filters behind it."""
    for step in steps(source):
        frames = frames.filter(step.name, **step.options)
    return frames


def names(source: Source) -> list[str]:
    """Return the filters' names, with the one that FFmpeg itself puts before them for what is turned."""
    return [*(["transpose"] if source.video.rotation else []), *(step.name for step in steps(source))]


def needed(source: Source) -> tuple[str, ...]:
    """Return the filters that not every ffmpeg has."""
    return ("zscale", "tonemap") if is_hdr(source.video) else ()


def reasons(source: Source) -> list[str]:
    """Return why frames are changed, one sentence each."""
    video = source.video
    told = {
        "interlaced frames become whole ones": video.interlaced,
        f"{video.colour.transfer} becomes standard range: an 8-bit video can't show it": is_hdr(video),
        "pixels become square": "scale" in names(source),
        "sides become even": "pad" in names(source),
    }
    return [reason for reason, holds in told.items() if holds]


def is_hdr(video: VideoTrack) -> bool:
    """Whether its numbers stand for light beyond white."""
    return video.colour.transfer in HDR_TRANSFERS


def _in_standard_range(video: VideoTrack) -> list[Step]:
    """Bring what is up to white over nearly as it is, and what is brighter in what is left above (Mobius).

    What the file does not say of its colours is as BT.2100 has it.
    """
    colour = video.colour
    read = {
        "transferin": str(colour.transfer),
        "primariesin": colour.primaries or "bt2020",
        "matrixin": colour.matrix or "bt2020nc",
        "rangein": colour.range or "limited",
    }
    return [
        Step("zscale", {**read, "transfer": "linear", "npl": _WHITE_NITS}),
        Step("format", {"pix_fmts": "gbrpf32le"}),
        Step("zscale", {"primaries": "bt709"}),
        Step("tonemap", {"tonemap": "mobius", "desat": 0, "peak": round(_BRIGHTEST_NITS / _WHITE_NITS, 3)}),
        Step("zscale", {"transfer": "bt709", "matrix": "bt709", "range": "limited"}),
        Step("format", {"pix_fmts": "yuv420p"}),
    ]
