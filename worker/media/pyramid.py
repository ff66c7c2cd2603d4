"""The photo in several sizes, so that each frame finds one that is just a little finer than itself."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.media.planes import Plane, Planes, from_rgb


@dataclass(frozen=True, slots=True)
class Level:
    """Planes of the photo at `scale` of its size; the colour planes at half of that."""

    scale: float
    planes: Planes


class Pyramid:
    """The levels that frames of these steps need."""

    def __init__(self, pixels: NDArray[np.uint8], shrunk: int, steps: tuple[float, float]) -> None:
        """`pixels` are the photo, `shrunk` times smaller than in full; `steps` as Plan.steps has them."""
        self._levels = []
        scale = 1 / shrunk
        while True:
            self._levels.append(Level(scale, _halved_chroma(from_rgb(pixels))))
            if steps[1] * scale < 2 or min(pixels.shape[:2]) < 4:
                break
            pixels, scale = _halved(pixels), scale / 2

    def level(self, step: float) -> Level:
        """Return the coarsest level in which frames of that step (photo pixels per output pixel) lose nothing."""
        fine = [level for level in self._levels if step * level.scale >= 1]
        return fine[-1] if fine else self._levels[0]


def _halved(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    even = pixels[: height - height % 2, : width - width % 2]
    return np.asarray(cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)


def _halved_chroma(full: Planes) -> Planes:
    def half(plane: Plane) -> Plane:
        height, width = plane.shape
        padded = cv2.copyMakeBorder(plane, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        size = (padded.shape[1] // 2, padded.shape[0] // 2)
        return np.asarray(cv2.resize(padded, size, interpolation=cv2.INTER_AREA), np.uint8)

    return Planes(full.luma, half(full.blue), half(full.red))
