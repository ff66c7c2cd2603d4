"""Video planes: what 4:2:0 video keeps of RGB pixels, in the colours that HD players expect."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

BLACK_LUMA = 16
NEUTRAL_CHROMA = 128

_BAND_ROWS = 128  # even, so that no two rows of a colour sample part

# ITU-R BT.709-6: luma weights, and 8-bit quantisation to 16..235 for luma and 16..240 for colour differences.
_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
_LUMA = 219 / 255
_CHROMA = 224 / 255
_FROM_RGB = np.array(
    [
        [_LUMA * _RED, _LUMA * _GREEN, _LUMA * _BLUE, BLACK_LUMA],
        [
            _CHROMA * -_RED / (2 * (1 - _BLUE)),
            _CHROMA * -_GREEN / (2 * (1 - _BLUE)),
            _CHROMA / 2,
            NEUTRAL_CHROMA,
        ],
        [
            _CHROMA / 2,
            _CHROMA * -_GREEN / (2 * (1 - _RED)),
            _CHROMA * -_BLUE / (2 * (1 - _RED)),
            NEUTRAL_CHROMA,
        ],
    ],
    np.float32,
)


@dataclass(frozen=True, slots=True)
class Planes:
    """Luma and the two colour differences, each (rows, columns)."""

    luma: Plane
    blue: Plane
    red: Plane


def from_rgb(pixels: NDArray[np.uint8]) -> Planes:
    """Return BT.709 limited-range planes of RGB pixels (height, width, 3).

    The colour planes have half the rows and columns, rounded up, each sample the mean of four pixels.
    """
    height, width = pixels.shape[:2]
    half = ((height + 1) // 2, (width + 1) // 2)
    made = Planes(np.empty((height, width), np.uint8), np.empty(half, np.uint8), np.empty(half, np.uint8))
    for top in range(0, height, _BAND_ROWS):
        _convert_band(pixels[top : top + _BAND_ROWS], made, top)
    return made


def _convert_band(pixels: NDArray[np.uint8], made: Planes, top: int) -> None:
    """Convert some rows; few enough at once to stay in the processor's cache, and to need little memory."""
    rows, columns = pixels.shape[:2]
    cv2.extractChannel(cv2.transform(pixels, _FROM_RGB), 0, dst=made.luma[top : top + rows])
    even = pixels if rows % 2 == columns % 2 == 0 else _made_even(pixels)
    half = cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)
    colour = cv2.transform(half, _FROM_RGB)
    for channel, plane in ((1, made.blue), (2, made.red)):
        cv2.extractChannel(colour, channel, dst=plane[top // 2 : top // 2 + half.shape[0]])


def _made_even(pixels: NDArray[np.uint8]) -> cv2.typing.MatLike:
    height, width = pixels.shape[:2]
    return cv2.copyMakeBorder(pixels, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)


def split_frame(frame: Plane, width: int, height: int) -> Planes:
    """Return the three planes of a flat I420 frame as views into it."""
    luma, quarter = width * height, width * height // 4
    shape = (height // 2, width // 2)
    return Planes(
        frame[:luma].reshape(height, width),
        frame[luma : luma + quarter].reshape(shape),
        frame[luma + quarter :].reshape(shape),
    )
