"""Camera motion over a still photo, drawn frame by frame as raw video."""

import cv2
import numpy as np

from worker.media.still.motion import Plan, Window
from worker.media.still.planes import BLACK_LUMA, NEUTRAL_CHROMA, Plane, Planes, split_frame
from worker.media.still.pyramid import MARGIN, Level, Pyramid
from worker.media.still.resample import Axis, Sampler


class KenBurns:
    """The frames of a plan over a photo: flat I420, BT.709 limited range, one byte per sample."""

    def __init__(self, pyramid: Pyramid, plan: Plan, frame_size: tuple[int, int], behind: Plane | None = None) -> None:
        """`frame_size` is (width, height), both even; `behind` is the flat I420 frame around the box, black if None."""
        self._behind = behind
        self._pyramid = pyramid
        self.plan = plan
        self._size = frame_size
        self.frame_bytes = frame_size[0] * frame_size[1] * 3 // 2
        self._sampler = Sampler()
        self._second = np.empty(self.frame_bytes, np.uint8)

    def __len__(self) -> int:
        return len(self.plan.windows)

    def draw(self, index: int, frame: Plane) -> None:
        """Fill the flat I420 `frame` with what the camera sees at `index`."""
        box, window = self.plan.box, self.plan.windows[index]
        if self._behind is not None:
            frame[:] = self._behind
        elif (box.width, box.height) != self._size:
            frame[: self._size[0] * self._size[1]] = BLACK_LUMA
            frame[self._size[0] * self._size[1] :] = NEUTRAL_CHROMA
        picture = self._picture(frame)
        (level, _), *more = self._pyramid.levels(window.width / box.width)
        self._look(level, window, picture)
        for other, share in more:
            second = self._picture(self._second)
            self._look(other, window, second)
            _blend(picture, second, share)

    def _picture(self, frame: Plane) -> Planes:
        """Return the box of the frame that shows the photo, as views."""
        box = self.plan.box
        whole = split_frame(frame, *self._size)
        half = np.s_[box.y // 2 : (box.y + box.height) // 2, box.x // 2 : (box.x + box.width) // 2]
        luma = whole.luma[box.y : box.y + box.height, box.x : box.x + box.width]
        return Planes(luma, whole.blue[half], whole.red[half])

    def _look(self, level: Level, window: Window, picture: Planes) -> None:
        """Fill the picture with what the window shows of the level.

        A colour sample belongs to two columns and two rows of luma. Players take it to lie with the left column
        (ITU-T H.264, figure E-1, type 0, the default) and between the rows: a quarter and a half into its width.
        """
        x, y = window.x - level.x, window.y - level.y
        luma, chroma = level.scale, level.scale / 2
        self._sampler.sample(
            level.planes.luma,
            _axis(x, window.width, picture.luma.shape[1], luma, 0.5),
            _axis(y, window.height, picture.luma.shape[0], luma, 0.5),
            picture.luma,
        )
        across = _axis(x, window.width, picture.blue.shape[1], chroma, 0.25)
        down = _axis(y, window.height, picture.blue.shape[0], chroma, 0.5)
        self._sampler.sample(level.planes.blue, across, down, picture.blue)
        self._sampler.sample(level.planes.red, across, down, picture.red)


def _axis(start: float, length: float, count: int, scale: float, place: float) -> Axis:
    """Return `count` points over `length` photo pixels; each lies at `place`, 0..1, of its share of the length."""
    step = length / count * scale
    return Axis(first=start * scale + step * place - 0.5 + MARGIN, step=step)


def _blend(first: Planes, second: Planes, share: float) -> None:
    """Mix `share` of the second picture into the first."""
    for name in ("luma", "blue", "red"):
        into = getattr(first, name)
        cv2.addWeighted(into, 1 - share, getattr(second, name), share, 0, dst=into)
