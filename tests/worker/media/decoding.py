"""What a player would show of a video: decoded by ffmpeg, compared by scikit-image."""

import subprocess
from pathlib import Path

import av
import numpy as np
import skimage.metrics
from numpy.typing import NDArray

from worker.media.running import binary

Pixels = NDArray[np.uint8]


def frames(video: Path, width: int, height: int) -> Pixels:
    """Return all frames as RGB, shape (frames, height, width, 3), colours by the file's own tags."""
    raw_frames = ("-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    argv = [binary.find().path, "-v", "error", "-i", str(video), *raw_frames]
    raw = subprocess.run(argv, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def times(video: Path) -> list[float]:
    """Return when each frame is shown, in seconds."""
    with av.open(str(video)) as container:
        return [round(frame.time or 0.0, 3) for frame in container.decode(video=0)]


def likeness(one: Pixels, other: Pixels) -> float:
    """Return the SSIM of two pictures, grey or RGB."""
    axis = 2 if one.ndim == 3 else None
    return float(skimage.metrics.structural_similarity(one, other, channel_axis=axis))  # type: ignore[no-untyped-call]
