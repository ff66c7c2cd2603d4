"""RGB to video planes."""

import numpy as np
import pytest

from worker.media.still.planes import from_rgb, split_frame

# ITU-R BT.709-6, 8 bits, limited range.
KNOWN = {
    (0, 0, 0): (16, 128, 128),
    (255, 255, 255): (235, 128, 128),
    (255, 0, 0): (63, 102, 240),
    (0, 255, 0): (173, 42, 26),
    (0, 0, 255): (32, 240, 118),
}


@pytest.mark.parametrize("colour", KNOWN)
def test_colours_are_those_of_bt709(colour: tuple[int, int, int]) -> None:
    planes = from_rgb(np.full((4, 6, 3), colour, np.uint8))
    assert (planes.luma[0, 0], planes.blue[0, 0], planes.red[0, 0]) == KNOWN[colour]
    assert planes.luma.shape == (4, 6)
    assert planes.blue.shape == planes.red.shape == (2, 3)


def test_odd_sides_round_the_colour_planes_up() -> None:
    planes = from_rgb(np.zeros((5, 7, 3), np.uint8))
    assert planes.luma.shape == (5, 7)
    assert planes.blue.shape == (3, 4)


def test_a_frame_is_split_into_views() -> None:
    frame = np.zeros(4 * 2 * 3 // 2, np.uint8)
    planes = split_frame(frame, 4, 2)
    planes.luma[:], planes.blue[:], planes.red[:] = 1, 2, 3
    assert frame.tolist() == [1] * 8 + [2] * 2 + [3] * 2
