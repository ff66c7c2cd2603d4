"""Drawn frames, before any encoder."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.photos.flow import smoothness
from bench.photos.reference import LanczosFrames
from shared.operations.img2vid import Fit, Motion
from tests.pictures import sample, scene, texture
from tests.worker.media.decoding import likeness
from worker.media.still.ken_burns import KenBurns
from worker.media.still.motion import Camera, plan
from worker.media.still.planes import split_frame
from worker.media.still.pyramid import Pyramid

SIZE = (320, 180)
Pixels = NDArray[np.uint8]


def draw(frames: KenBurns | LanczosFrames, index: int, size: tuple[int, int] = SIZE) -> Pixels:
    """Return the luma of one frame."""
    frame = np.empty(frames.frame_bytes, np.uint8)
    frames.draw(index, frame)
    return split_frame(frame, *size).luma


def both(
    pixels: Pixels,
    motion: Motion,
    zoom: float = 1.5,
    frames: int = 12,
    spread: float = 1.18,
    focus: tuple[float, float] = (0.5, 0.5),
) -> tuple[KenBurns, LanczosFrames]:
    made = plan((pixels.shape[1], pixels.shape[0]), SIZE, Camera(motion, zoom, focus, Fit.COVER), frames)
    return KenBurns(Pyramid(pixels, 1, made, spread=spread), made, SIZE), LanczosFrames(pixels, made, SIZE)


@pytest.mark.parametrize("picture", ["photo", "texture"])
@pytest.mark.parametrize("zoom", [1.3, 3.0])
@pytest.mark.parametrize("spread", [1.18, 1.06])
@pytest.mark.parametrize("width", [320, 512, 1000])
def test_every_frame_equals_a_lanczos_reduction_of_its_window(
    picture: str, zoom: float, spread: float, width: int
) -> None:
    shape = (width, width * 3 // 4)
    pixels = sample("astronaut", *shape) if picture == "photo" else texture(*shape)
    ours, right = both(pixels, Motion.ZOOM_IN, zoom, spread=spread)
    for index in (0, 5, 11):
        assert likeness(draw(ours, index), draw(right, index)) > 0.98


@pytest.mark.parametrize("motion", list(Motion))
def test_every_motion_shows_its_windows(motion: Motion) -> None:
    ours, right = both(scene(700, 600), motion, focus=(0.2, 0.7))
    for index in (0, 6, 11):
        assert likeness(draw(ours, index), draw(right, index)) > 0.98


@pytest.mark.parametrize("motion", [Motion.ZOOM_IN, Motion.ZOOM_OUT, Motion.PAN_RIGHT])
@pytest.mark.parametrize("spread", [1.18, 1.06])
def test_the_motion_is_as_smooth_as_planned(motion: Motion, spread: float) -> None:
    size = (640, 360)
    pixels = sample("coffee", 1300, 900)
    made = plan((1300, 900), size, Camera(motion, 1.3, (0.5, 0.5), Fit.COVER), 40)
    ours = smoothness(
        (draw(KenBurns(Pyramid(pixels, 1, made, spread=spread), made, size), index, size) for index in range(40)), made
    )
    right = smoothness((draw(LanczosFrames(pixels, made, size), index, size) for index in range(40)), made)
    assert ours.backward_frames == 0
    assert ours.jitter_px < max(0.005, 1.2 * right.jitter_px)


@pytest.mark.parametrize("zoom", [1.324, 4.0])
@pytest.mark.parametrize("spread", [1.18, 1.06])
def test_no_change_of_level_is_seen(zoom: float, spread: float) -> None:
    ours, right = both(sample("astronaut", 900, 506), Motion.ZOOM_IN, zoom, 60, spread)
    error = [np.abs(draw(ours, index).astype(int) - draw(right, index)).mean() for index in range(60)]
    # A change would show as a jump of the difference to the reference between two frames.
    assert max(np.abs(np.diff(error))) < 0.35


def test_colour_lies_where_luma_does(tmp_path: Path) -> None:
    """A red half beside a blue half: after decoding, the border is at the same place in both."""
    pixels = np.zeros((360, 640, 3), np.uint8)
    pixels[:, :320, 0], pixels[:, 320:, 2] = 200, 200
    ours, _ = both(pixels, Motion.NONE, 1.0, 1)
    frame = np.empty(ours.frame_bytes, np.uint8)
    ours.draw(0, frame)
    planes = split_frame(frame, *SIZE)
    # Left-sited: chroma column 80 lies on luma column 160, half a pixel right of the border: no even mixture.
    row = planes.red[40].astype(int)
    assert row[79] > row[80] and row[0] - row[79] < (row[0] - row[159]) * 0.3
    assert row[80] - row[159] < (row[0] - row[159]) * 0.5


def test_contain_leaves_black_bars_that_stand_still() -> None:
    pixels = np.full((800, 400, 3), 255, np.uint8)
    made = plan((400, 800), SIZE, Camera(Motion.ZOOM_IN, 2, (0.5, 0.5), Fit.CONTAIN), 5)
    frames = KenBurns(Pyramid(pixels, 1, made, spread=1.18), made, SIZE)
    for index in range(5):
        frame = np.empty(frames.frame_bytes, np.uint8)
        frames.draw(index, frame)
        planes = split_frame(frame, *SIZE)
        inside = np.s_[:, made.box.x : made.box.x + made.box.width]
        assert (planes.luma[inside] == 235).all()
        assert (np.delete(planes.luma, inside[1], axis=1) == 16).all()
        assert (planes.blue == 128).all() and (planes.red == 128).all()


def test_a_panorama_a_hundred_times_longer_than_high_is_drawn() -> None:
    pixels = np.asarray(Image.fromarray(scene(300, 100)).resize((4000, 40)))
    ours, right = both(pixels, Motion.PAN_RIGHT, 1.2)
    assert likeness(draw(ours, 6), draw(right, 6)) > 0.97
