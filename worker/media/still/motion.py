"""The camera plan: which part of the photo each frame shows."""

import math
from dataclasses import dataclass
from typing import assert_never

from shared.operations.img2vid import Easing, Fit, Motion


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the photo, in photo pixels; x and y are its top left corner, edges not centres."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Box:
    """The part of the frame that shows the picture, in whole even frame pixels; the rest is black."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Course:
    """How the camera gets from one end to the other."""

    easing: Easing = Easing.LINEAR
    ping_pong: bool = False

    def share(self, time: float) -> float:
        """Return which part of the way is done at `time`, both 0..1.

        Easing follows sines: its speed begins or ends at nothing and never jumps.
        """
        if self.ping_pong:
            time = 1 - abs(2 * time - 1)
        match self.easing:
            case Easing.LINEAR:
                return time
            case Easing.EASE_IN:
                return 1 - math.cos(time * math.pi / 2)
            case Easing.EASE_OUT:
                return math.sin(time * math.pi / 2)
            case Easing.EASE_IN_OUT:
                return (1 - math.cos(time * math.pi)) / 2
            case _:
                assert_never(self.easing)


@dataclass(frozen=True, slots=True)
class Camera:
    """What the caller asks for, free of the photo."""

    motion: Motion
    zoom: float
    focus: tuple[float, float]
    fit: Fit
    course: Course = Course()


@dataclass(frozen=True, slots=True)
class Plan:
    """One window per frame, and the box that each fills."""

    box: Box
    windows: tuple[Window, ...]

    @property
    def steps(self) -> tuple[float, float]:
        """The smallest and the largest distance of two output pixels, in photo pixels."""
        widths = [window.width for window in self.windows]
        return min(widths) / self.box.width, max(widths) / self.box.width


def plan(photo: tuple[int, int], frame: tuple[int, int], camera: Camera, frames: int) -> Plan:
    """Return the plan for a photo (width, height), a frame (width, height) and a number of frames.

    `cover`: the widest view is the largest window of the frame's shape. `contain` and `blur`: the frame holds the whole
    photo, what is around it stands still, and the motion goes on inside the picture's box. A zoom runs between the
    widest view and one that is `zoom` times closer; a pan sends a window of the closer size across the whole photo in
    the direction that the camera moves; `none` is the widest view, still.

    The size changes at a constant rate on a log scale, so that the zoom looks even; the window's corners move on
    straight lines about one fixed point, so that the path never curves. The first and the last frame show exactly the
    two ends, and every window lies inside the photo, being a mean of two that do.
    """
    box = _box(photo, frame, camera.fit)
    start, end = _ends(photo, box, camera)
    last = max(frames - 1, 1)
    return Plan(box, tuple(_between(start, end, camera.course.share(index / last)) for index in range(frames)))


def _box(photo: tuple[int, int], frame: tuple[int, int], fit: Fit) -> Box:
    if fit is Fit.COVER:
        return Box(0, 0, *frame)
    scale = min(frame[0] / photo[0], frame[1] / photo[1])
    width, height = (_even(side * scale, limit) for side, limit in zip(photo, frame, strict=True))
    return Box(_even((frame[0] - width) / 2), _even((frame[1] - height) / 2), width, height)


def _even(pixels: float, limit: int | None = None) -> int:
    """Return the nearest even number, as 4:2:0 needs; with a limit, from 2 to it."""
    even = 2 * round(pixels / 2)
    return even if limit is None else min(max(even, 2), limit)


def _ends(photo: tuple[int, int], box: Box, camera: Camera) -> tuple[Window, Window]:
    wide = min(photo[0], photo[1] * box.width / box.height)
    focus = camera.focus
    far, near = (_window(photo, box, width, focus) for width in (wide, wide / camera.zoom))

    def edge(x: float, y: float) -> Window:
        return _window(photo, box, wide / camera.zoom, (x, y))

    return {
        Motion.ZOOM_IN: (far, near),
        Motion.ZOOM_OUT: (near, far),
        Motion.PAN_RIGHT: (edge(0, focus[1]), edge(1, focus[1])),
        Motion.PAN_LEFT: (edge(1, focus[1]), edge(0, focus[1])),
        Motion.PAN_DOWN: (edge(focus[0], 0), edge(focus[0], 1)),
        Motion.PAN_UP: (edge(focus[0], 1), edge(focus[0], 0)),
        Motion.NONE: (far, far),
    }[camera.motion]


def _window(photo: tuple[int, int], box: Box, width: float, focus: tuple[float, float]) -> Window:
    """Return the window of that width with `focus` as near to its middle as the photo's edges allow."""
    height = min(width * box.height / box.width, float(photo[1]))
    x = min(max(focus[0] * photo[0] - width / 2, 0.0), photo[0] - width)
    y = min(max(focus[1] * photo[1] - height / 2, 0.0), photo[1] - height)
    return Window(x, y, width, height)


def _between(start: Window, end: Window, fraction: float) -> Window:
    """Return the window at `fraction` of the time; the ends themselves at 0 and 1."""
    if fraction in (0, 1):
        return end if fraction else start
    share = fraction
    if start.width != end.width:
        width = start.width * (end.width / start.width) ** fraction
        share = (width - start.width) / (end.width - start.width)
    sides = ((getattr(start, side), getattr(end, side)) for side in ("x", "y", "width", "height"))
    return Window(*(one + share * (other - one) for one, other in sides))
