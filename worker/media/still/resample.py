"""Reading a plane at evenly spaced points between its samples, exactly and fast."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from worker.media.still.planes import Plane

# The farthest that any point may lie from its place, in source samples. It is reached at two edges of the picture only;
# the middle is exact.
_TOLERANCE = 0.02
_MOST_SKIPPED = 400


@dataclass(frozen=True, slots=True)
class Axis:
    """The points along one side: where the first lies, in samples (0 is the middle of sample 0), and their distance."""

    first: float
    step: float


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A run of whole source samples; scaled by `step`, the points wanted begin after the first `skipped` of them."""

    start: int
    stop: int
    skipped: int
    step: float


class Sampler:
    """Bilinear sampling into a given array, with memory that is used again for the next one.

    cv2.warpAffine can read between samples but takes about four times as long as cv2.resize, which always starts half a
    step from the edge of a sample. Where that start plus a whole number of steps hits the first point wanted, resize
    with a few rows and columns too many gives the same picture; where none does, warpAffine is used.
    """

    def __init__(self) -> None:
        self._scratch = np.empty(0, np.uint8)

    def sample(self, source: Plane, x: Axis, y: Axis, target: Plane) -> None:
        """Fill `target` with `source` read at the points; beyond its edges, the edge goes on."""
        across = _stretch(x, target.shape[1], source.shape[1])
        down = _stretch(y, target.shape[0], source.shape[0])
        if across is None or down is None:
            _warp(source, x, y, target)
            return
        part = source[down.start : down.stop, across.start : across.stop]
        made = cv2.resize(
            part,
            None,
            dst=self._room(part, across, down),
            fx=1 / across.step,
            fy=1 / down.step,
            interpolation=cv2.INTER_LINEAR,
        )
        np.copyto(target, made[down.skipped :, across.skipped :][: target.shape[0], : target.shape[1]])

    def _room(self, part: Plane, across: _Stretch, down: _Stretch) -> Plane:
        """Return memory in the shape that cv2.resize is going to make; a wrong guess costs a copy, nothing more."""
        rows, columns = round(part.shape[0] / down.step), round(part.shape[1] / across.step)
        if self._scratch.size < rows * columns:
            self._scratch = np.empty(rows * columns * 9 // 8, np.uint8)
        return self._scratch[: rows * columns].reshape(rows, columns)


def _stretch(axis: Axis, count: int, size: int) -> _Stretch | None:
    """Return the run of a side of `size` samples whose scaling hits the `count` points, or None if there is none."""
    # Fewer skipped, and the first point would need the sample before the run; more, and the run would begin before 0.
    least = max(0, math.ceil(0.5 / axis.step - 0.5))
    most = min(_MOST_SKIPPED, math.floor((axis.first + 0.5) / axis.step))
    starts = axis.first + 0.5 - (np.arange(least, max(most, least)) + 0.5) * axis.step
    fits = np.flatnonzero(np.abs(starts - np.round(starts)) < _TOLERANCE)
    if not fits.size:
        return None
    skipped = least + int(fits[0])
    start = round(float(starts[fits[0]]))
    middle = (count - 1) / 2
    step = (axis.first + middle * axis.step + 0.5 - start) / (skipped + middle + 0.5)
    stop = start + math.ceil((skipped + count) * step) + 1
    return _Stretch(start, stop, skipped, step) if stop <= size else None


def _warp(source: Plane, x: Axis, y: Axis, target: Plane) -> None:
    cv2.warpAffine(
        source,
        np.array([[x.step, 0, x.first], [0, y.step, y.first]]),
        (target.shape[1], target.shape[0]),
        dst=target,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
