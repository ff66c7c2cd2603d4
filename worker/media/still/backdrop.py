"""What stands behind a photo that does not fill the frame: the photo itself, out of focus."""

import cv2
import numpy as np

from worker.media.still.images import Pixels
from worker.media.still.planes import Plane, from_rgb

_SMALL = 160
"""So many pixels across are enough for what is out of focus."""
_BLUR = 5.0
_DIMMED = 0.7
"""Darker than the photo, which it shall not outshine."""


def blurred(pixels: Pixels, frame_size: tuple[int, int]) -> Plane:
    """Return the flat I420 frame of that (width, height) that the photo fills, blurred and dimmed.

    `pixels` are sRGB, shape (height, width, 3).
    """
    width, height = frame_size
    rows, columns = pixels.shape[:2]
    seen = min(columns / width, rows / height)
    across, down = max(1, round(width * seen)), max(1, round(height * seen))
    left, top = (columns - across) // 2, (rows - down) // 2
    part = pixels[top : top + down, left : left + across]
    small = cv2.resize(part, (_SMALL, max(2, round(_SMALL * height / width))), interpolation=cv2.INTER_AREA)
    soft = cv2.convertScaleAbs(cv2.GaussianBlur(small, (0, 0), _BLUR), alpha=_DIMMED)
    planes = from_rgb(np.asarray(cv2.resize(soft, frame_size, interpolation=cv2.INTER_CUBIC), np.uint8))
    return np.concatenate([planes.luma.ravel(), planes.blue.ravel(), planes.red.ravel()])
