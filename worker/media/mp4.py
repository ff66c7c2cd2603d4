"""MP4 as players expect it: what may be in one as it is, and how it is written."""

from collections.abc import Mapping

VIDEO_CODECS = ("h264", "hevc", "av1", "vp9", "mpeg4")
"""What players expect in an MP4; other videos are encoded."""
AUDIO_CODECS = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")
"""Sounds that an MP4 may hold as they are; not every player plays all of them."""
WRITTEN: Mapping[str, str | int] = {
    "format": "mp4",
    "movflags": "+faststart",
    "map_metadata": -1,
    "map_chapters": -1,
    "fflags": "+bitexact",
}
"""Playable before all of it has come, and without what the source's tags say of people and places."""


def copied(codec: str) -> dict[str, str]:
    """Return the options that copy a video of that codec, under the name that Apple's players know it by."""
    return {"c:v": "copy"} | ({"tag:v": "hvc1"} if codec == "hevc" else {})
