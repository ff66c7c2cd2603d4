"""MP4 as players expect it: what may be in one as it is, and how it is written."""

from collections.abc import Mapping

from shared.media.facts import VideoTrack

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


def lasting(track: VideoTrack, more_s: float = 0.0) -> dict[str, str]:
    """Return the options that show the last frame for so much longer than the file says.

    A single frame needs them for as long as the file says, too: no other one comes whose time would tell.
    """
    if track.frames == 1:
        return _until(f"{track.duration_s + more_s:.6f}/TB")
    if more_s <= 0:
        return {}
    last = track.frames + track.hidden_frames - 1
    return _until(f"if(eq(N\\,{last})\\,DURATION+{more_s:.6f}/TB\\,DURATION)")


def _until(duration: str) -> dict[str, str]:
    # Both times are named: one that is not would be set to the other, and B-frames be shown in the wrong order.
    return {"bsf:v": f"setts=pts=PTS:dts=DTS:duration={duration}"}
