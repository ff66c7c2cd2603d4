"""What libass makes of a composed file, on a grey ground."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.captions.appearance import Appearance
from tests.shared.captions.written import srt
from worker.media.captions.compose import Composed, compose
from worker.media.captions.drawing.faces import FOLDER
from worker.media.captions.drawing.font_cache import environment as fonts_alone
from worker.media.captions.reading.read import from_text
from worker.media.running import binary
from worker.media.running.capture import environment

Pixels = NDArray[np.uint8]

WIDTH, HEIGHT, FPS = 480, 270, 10
GROUND = 0x60


def composed(text: str, **asked: Any) -> Composed:
    """Return the file for a small frame; a text without times is shown from second 1 to 3."""
    timed = text if "-->" in text or text.startswith("[") else srt(text)
    return compose(from_text(timed), Appearance.model_validate(asked), WIDTH, HEIGHT)


def drawn(written: str, folder: Path, until_s: float = 3.5) -> Pixels:
    """Return the frames from second 0 on, ten a second, as RGB."""
    (folder / "captions.ass").write_text(written, encoding="utf-8")
    ground = f"color=0x{GROUND:02x}{GROUND:02x}{GROUND:02x}:s={WIDTH}x{HEIGHT}:r={FPS}:d={until_s}"
    argv = [
        binary.find(filters=("ass",)).path, "-v", "error", "-f", "lavfi", "-i", ground,
        "-vf", f"format=rgb24,ass=captions.ass:fontsdir={FOLDER}", "-f", "rawvideo", "-pix_fmt", "rgb24", "-",
    ]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, check=True, cwd=folder, env=environment(fonts_alone()), timeout=60)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)


def at(frames: Pixels, second: float) -> Pixels:
    """Return the frame that is shown at a time."""
    found: Pixels = frames[round(second * FPS)]
    return found


def ink(frame: Pixels, *, colour: tuple[int, int, int] | None = None) -> NDArray[np.bool_]:
    """Return where something is drawn; with a colour, where it is that one."""
    if colour is not None:
        near: NDArray[np.bool_] = np.abs(frame.astype(int) - np.array(colour)).max(axis=2) < 60
        return near
    other: NDArray[np.bool_] = np.abs(frame.astype(int) - GROUND).max(axis=2) > 12
    return other


def extent(marked: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return left, right, top and bottom of what is marked."""
    ys, xs = np.nonzero(marked)
    return int(xs.min()), int(xs.max()), int(ys.min()), int(ys.max())


def alike(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return how much of what is marked in either is marked in both."""
    return float((one & other).sum() / max(1, (one | other).sum()))
