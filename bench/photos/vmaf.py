"""VMAF and SSIM of a video against a lossless reference, by ffmpeg's own filters."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from worker.media.running import binary


@dataclass(frozen=True, slots=True)
class Score:
    """VMAF from 0 to 100 (model v0.6.1), SSIM of luma from 0 to 1; means over the frames looked at."""

    vmaf: float
    ssim: float


def score(video: Path, reference: Path, *, every: int = 2) -> Score:
    """Compare the two frame by frame; VMAF looks at one frame of `every`. EncodeFailed if no ffmpeg has libvmaf."""
    path = binary.find(filters=("libvmaf", "ssim")).path
    graph = f"[0:v]split[a][b];[1:v]split[c][d];[a][c]libvmaf=n_threads=2:n_subsample={every}[x];[b][d]ssim[y]"
    argv = [path, "-hide_banner", "-i", str(video), "-i", str(reference), "-lavfi", graph]
    argv += ["-map", "[x]", "-map", "[y]", "-f", "null", "-"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stderr
    return Score(_number(r"VMAF score: ([\d.]+)", said), _number(r"SSIM Y:([\d.]+)", said))


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"ffmpeg printed nothing like {pattern}")
    return float(found[1])
