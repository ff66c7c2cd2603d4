"""Judging a finished video by decoding all of it, apart from the worker that made it."""

import re
from pathlib import Path

from shared.errors import EncodeFailed
from worker.media.running import binary
from worker.media.running.capture import capture

_FRAMES = re.compile(r"^frame=(\d+)$", re.MULTILINE)
_TIMEOUT_S = 300


def decoded_frames(video: Path) -> int:
    """Return how many frames ffmpeg decodes from `video`; 0 if it finds it damaged."""
    argv = [binary.find().path, "-v", "error", "-xerror", "-nostdin", "-i", f"file:{video}"]
    argv += ["-map", "0:v:0", "-progress", "pipe:1", "-f", "null", "-"]
    try:
        frames = _FRAMES.findall(capture(argv, timeout_s=_TIMEOUT_S))
    except EncodeFailed:
        return 0
    return int(frames[-1]) if frames else 0
