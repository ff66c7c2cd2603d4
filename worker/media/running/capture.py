"""Short runs whose answer is what they print: of ffmpeg itself, or on files of our own making."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.errors import EncodeFailed
from worker.media.running.said import in_one_line

_KNOWN = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")

_SAID = {"LC_ALL": "C", "SVT_LOG": "1"}
"""In English; of SVT-AV1 errors alone."""


def capture(argv: Sequence[str], *, timeout_s: float = 20.0, further: Mapping[str, str] | None = None) -> str:
    """Return what a short ffmpeg run prints on standard output; EncodeFailed if it can't run or fails.

    `further` is told to it beside what every ffmpeg is told.
    """
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            env=environment(further),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise EncodeFailed(f"{Path(argv[0]).name} does not run: {type(failed).__name__}") from failed
    if done.returncode:
        raise EncodeFailed(in_one_line(done.stderr.decode(errors="replace").splitlines(), done.returncode))
    return done.stdout.decode(errors="replace")


def environment(further: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what ffmpeg may know of ours: where libraries and the GPU are, and nothing secret; and `further`."""
    own = {name: os.environ[name] for name in _KNOWN if name in os.environ}
    return {**own, **_SAID, **(further or {})}
