"""Camera motion over a still photo, drawn frame by frame as raw video."""

import cv2
import numpy as np

from worker.media.motion import Plan, Window
from worker.media.planes import BLACK_LUMA, NEUTRAL_CHROMA, Plane, split_frame
from worker.media.pyramid import Pyramid


class KenBurns:
    """The frames of a plan over a photo: flat I420, BT.709 limited range, one byte per sample."""

    def __init__(self, pyramid: Pyramid, plan: Plan, frame_size: tuple[int, int]) -> None:
        """`frame_size` is (width, height), both even."""
        self._pyramid = pyramid
        self._plan = plan
        self._size = frame_size
        self.frame_bytes = frame_size[0] * frame_size[1] * 3 // 2

    def __len__(self) -> int:
        return len(self._plan.windows)

    def draw(self, index: int, frame: Plane) -> None:
        """Fill the flat I420 `frame` with what the camera sees at `index`."""
        planes = split_frame(frame, *self._size)
        box, window = self._plan.box, self._plan.windows[index]
        if (box.width, box.height) != self._size:
            planes.luma[:] = BLACK_LUMA
            planes.blue[:] = planes.red[:] = NEUTRAL_CHROMA
        luma = planes.luma[box.y : box.y + box.height, box.x : box.x + box.width]
        half = np.s_[box.y // 2 : (box.y + box.height) // 2, box.x // 2 : (box.x + box.width) // 2]
        level = self._pyramid.level(window.width / box.width)
        _sample(level.planes.luma, window, luma, level.scale, 0.5)
        for source, target in ((level.planes.blue, planes.blue[half]), (level.planes.red, planes.red[half])):
            _sample(source, window, target, level.scale / 2, 0.25)


def _sample(source: Plane, window: Window, target: Plane, scale: float, left: float) -> None:
    """Fill `target` from `window`; `scale` is the size of `source` against the photo.

    `left` is where in its pixel a target's sample lies across: in the middle, but for the chroma of H.264 video, which
    players take to lie with the left one of each two luma samples (ITU-T H.264, figure E-1, type 0).
    """
    height, width = target.shape
    step_x, step_y = window.width / width * scale, window.height / height * scale
    matrix = np.array(
        [
            [step_x, 0, window.x * scale + step_x * left - 0.5],
            [0, step_y, window.y * scale + step_y / 2 - 0.5],
        ]
    )
    cv2.warpAffine(
        source,
        matrix,
        (width, height),
        dst=target,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
