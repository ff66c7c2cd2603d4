"""Small clips that tests make for themselves, with whatever oddity is wanted."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from worker.media.running import binary

PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2")
SOUND = ("-f", "lavfi", "-i", "sine=f=440:r=48000:d=2")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac", "-b:a", "64k")


def make(target: Path, *words: str | Path, sources: Sequence[str] = (*PICTURE, *SOUND)) -> Path:
    """Make `target` by ffmpeg from these sources and words."""
    argv = [binary.find().path, "-nostdin", "-v", "error", "-y", *sources, *map(str, words), str(target)]
    subprocess.run(argv, check=True, timeout=60)
    return target


def usual(target: Path) -> Path:
    """Make two seconds of a moving test picture, 320×180 at 25 frames, with a tone."""
    return make(target, *H264, *AAC)
