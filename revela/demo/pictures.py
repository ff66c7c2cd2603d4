"""The demo's own pictures: large, of several shapes, drawn when they are needed and the same every time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from revela.demo import scenes
from revela.demo.noise import Picture

Scene = Callable[[np.random.Generator, int, int], Picture]

FULL_PIXELS = 12_000_000
"""As large as a usual phone's photo."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One picture to draw: its name, scene and shape (width : height)."""

    name: str
    scene: Scene
    shape: tuple[int, int]


SUBJECTS = (
    Subject("mountains", scenes.mountains, (4, 3)),
    Subject("city", scenes.city, (3, 4)),
    Subject("canyon", scenes.canyon, (1, 1)),
    Subject("nebula", scenes.nebula, (16, 9)),
    Subject("sunflower", scenes.sunflower, (1, 1)),
    Subject("dunes", scenes.dunes, (3, 2)),
)


def draw(subject: Subject, pixels: int = FULL_PIXELS) -> Picture:
    """Return the picture with about `pixels` pixels."""
    across, down = subject.shape
    unit = (pixels / (across * down)) ** 0.5
    seed = int.from_bytes(subject.name.encode()[:8], "big")
    return subject.scene(np.random.default_rng(seed), round(across * unit), round(down * unit))


def draw_pictures(folder: Path, pixels: int = FULL_PIXELS, count: int = len(SUBJECTS)) -> list[Path]:
    """Draw the first `count` pictures as JPEG files into `folder` and return their paths."""
    paths = []
    for subject in SUBJECTS[:count]:
        path = folder / f"{subject.name}.jpg"
        path.write_bytes(cv2.imencode(".jpg", draw(subject, pixels), [cv2.IMWRITE_JPEG_QUALITY, 93])[1].tobytes())
        paths.append(path)
    return paths
