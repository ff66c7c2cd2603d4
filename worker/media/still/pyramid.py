"""The photo at several levels of detail, made for one camera plan."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.media.still.motion import Plan, Window
from worker.media.still.planes import Plane, Planes, from_rgb

MARGIN = 192
"""How many samples of each plane lie before and after the part that frames show, so that sampling has room."""

_FINEST = 1.5  # samples a level keeps per output pixel at least; bilinear reading blurs and shimmers with fewer
_SINGLE = 1.03  # a plan whose steps differ less than this is served by one level
_UNSEEN = 1.2  # a change to a level this much coarser is not seen; farther ones are blended
_MOST_LEVELS = 8
_LOBES = 3  # of the Lanczos filter
_ALIGN = 16  # region edges are multiples of this many photo pixels, so that halves and quarters stay whole


@dataclass(frozen=True, slots=True)
class Level:
    """Planes of a part of the photo that hold just the detail that frames of a certain step can show.

    `scale` is luma samples per photo pixel; (x, y) is the photo point at the outer corner of the first sample after
    the margin. The colour planes have half the scale.
    """

    scale: float
    x: float
    y: float
    planes: Planes


class Pyramid:
    """The levels that the frames of a plan need, made when first asked for.

    Each is filtered for its step (the distance of two output pixels in photo pixels), but keeps more samples than that
    step would need: reading it bilinearly then loses nothing. A plan that changes its step little takes one level. Else
    a frame takes the nearest, where levels lie so close that the change can't be seen, or blends the two next to it.
    """

    def __init__(self, pixels: NDArray[np.uint8], shrunk: int, plan: Plan, *, spread: float) -> None:
        """`pixels` is the photo, `shrunk` times smaller than in full; `spread` the ratio of cutoffs to aim at."""
        self._cutoffs = cutoffs(*plan.steps, spread=spread)
        self._plan = plan
        self._shrunk = shrunk
        self._region = _region(plan.windows, shrunk, pixels.shape[1], pixels.shape[0], self._cutoffs[-1])
        self._planes = from_rgb(pixels[self._region.rows, self._region.columns])
        self._made: dict[int, Level] = {}

    def levels(self, step: float) -> list[tuple[Level, float]]:
        """Return the one or two levels for a frame of that step and their shares, which add up to 1.

        Levels that frames of this step don't need are forgotten: a camera hardly ever comes back to one.
        """
        wanted = shares(self._cutoffs, step)
        self._made = {index: self._made.get(index) or self._level(index) for index, _ in wanted}
        return [(self._made[index], share) for index, share in wanted]

    def _level(self, index: int) -> Level:
        cutoff, shrunk, plan = self._cutoffs[index], self._shrunk, self._plan
        seen = [w for w in plan.windows if index in dict(shares(self._cutoffs, w.width / plan.box.width))]
        whole = self._region
        part = _region(seen, shrunk, whole.columns.stop, whole.rows.stop, cutoff)
        corner = (part.columns.start * shrunk, part.rows.start * shrunk)
        planes, scale = _detailed(_part(self._planes, whole, part), cutoff / shrunk)
        return Level(scale / shrunk, *corner, planes)


def reduction(step: float) -> int:
    """Return how many times smaller than the photo a level for that step may be."""
    return max(1, math.floor(step / _FINEST))


def cutoffs(finest: float, coarsest: float, *, spread: float) -> list[float]:
    """Return the steps to make levels for, rising by equal ratios near `spread`; one if all lie within it."""
    if coarsest <= finest * max(spread, _SINGLE):
        return [finest]
    count = min(math.ceil(math.log(coarsest / finest) / math.log(spread) - 1e-9), _MOST_LEVELS - 1)
    return [finest * (coarsest / finest) ** (index / count) for index in range(count + 1)]


def shares(steps: Sequence[float], step: float) -> list[tuple[int, float]]:
    """Return which of the rising `steps` a frame takes, and how much of each."""
    if len(steps) == 1:
        return [(0, 1.0)]
    place = math.log(step / steps[0]) / math.log(steps[1] / steps[0])
    place = min(max(place, 0.0), len(steps) - 1.0)
    if steps[1] / steps[0] < _UNSEEN:
        return [(round(place), 1.0)]
    lower = math.floor(place)
    upper = place - lower
    return [(index, share) for index, share in ((lower, 1 - upper), (lower + 1, upper)) if share > 1e-6]


@dataclass(frozen=True, slots=True)
class _Region:
    """A part of the pixels at hand, beginning at even rows and columns."""

    rows: slice
    columns: slice


def _region(windows: Sequence[Window], shrunk: int, width: int, height: int, cutoff: float) -> _Region:
    """Return the part that the windows show, with room for the filters around it."""
    room = math.ceil(2 * _LOBES * max(cutoff / shrunk, 1)) + _ALIGN
    left, right = min(w.x for w in windows), max(w.x + w.width for w in windows)
    top, bottom = min(w.y for w in windows), max(w.y + w.height for w in windows)
    return _Region(
        rows=_aligned(top / shrunk - room, bottom / shrunk + room, height),
        columns=_aligned(left / shrunk - room, right / shrunk + room, width),
    )


def _aligned(start: float, stop: float, limit: int) -> slice:
    return slice(max(0, math.floor(start / _ALIGN) * _ALIGN), min(limit, math.ceil(stop / _ALIGN) * _ALIGN))


def _part(planes: Planes, whole: _Region, part: _Region) -> Planes:
    """Return what `planes`, which cover the region `whole`, have of the region `part`, as views."""
    top, bottom = (edge - whole.rows.start for edge in (part.rows.start, part.rows.stop))
    left, right = (edge - whole.columns.start for edge in (part.columns.start, part.columns.stop))
    half = np.s_[top // 2 : (bottom + 1) // 2, left // 2 : (right + 1) // 2]
    return Planes(planes.luma[top:bottom, left:right], planes.blue[half], planes.red[half])


def _detailed(planes: Planes, step: float) -> tuple[Planes, float]:
    """Return the planes with the detail for a step (in their pixels), margins around, and their new scale."""
    smaller = reduction(step)
    larger = 2 if step < _FINEST else 1
    kernel = _kernel(step * larger / smaller, filtered=step > 1)
    made = (_filtered(_scaled(plane, smaller, larger), kernel) for plane in (planes.luma, planes.blue, planes.red))
    return Planes(*made), larger / smaller


def _scaled(plane: Plane, smaller: int, larger: int) -> cv2.typing.MatLike:
    if larger > 1:
        return cv2.resize(plane, None, fx=larger, fy=larger, interpolation=cv2.INTER_CUBIC)
    if smaller > 1:
        rows, columns = (-side % smaller for side in plane.shape)
        whole = cv2.copyMakeBorder(plane, 0, rows, 0, columns, cv2.BORDER_REPLICATE)
        size = (whole.shape[1] // smaller, whole.shape[0] // smaller)
        return cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    return plane


def _filtered(plane: cv2.typing.MatLike, kernel: NDArray[np.float32]) -> Plane:
    made = cv2.sepFilter2D(plane, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE)
    bordered = cv2.copyMakeBorder(made, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REPLICATE)
    return np.asarray(bordered, np.uint8)


def _kernel(step: float, *, filtered: bool) -> NDArray[np.float32]:
    """Return the filter that leaves what a picture of that step can show, as a Lanczos reduction would.

    Reading between samples bilinearly weakens a frequency f (per sample) by sinc(f)², about 1 - π²f²/3; taking a
    twelfth of the second difference away beforehand makes up for that.
    """
    reach = max(4, math.ceil(_LOBES * step))
    places = np.arange(-reach, reach + 1) / step
    inside = np.abs(places) < _LOBES
    weights = np.sinc(places) * np.sinc(places / _LOBES) * inside if filtered else (places == 0).astype(np.float64)
    weights = weights / weights.sum()
    sharper = np.pad(weights, 1) - np.convolve(weights, [1, -2, 1]) / 12
    return sharper.astype(np.float32)
