"""The camera plan."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.operations.img2vid import Fit, Motion
from worker.media.still.motion import Box, Camera, Plan, Window, plan

SIDES = st.tuples(st.integers(16, 12_000), st.integers(16, 12_000))
FRAMES = st.tuples(st.integers(32, 2048), st.integers(32, 2048)).map(lambda size: (size[0] * 2, size[1] * 2))
CAMERAS = st.builds(
    Camera,
    motion=st.sampled_from(Motion),
    zoom=st.floats(1, 4),
    focus=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    fit=st.sampled_from(Fit),
)


def camera(motion: Motion, *, zoom: float = 2.0, focus: tuple[float, float] = (0.5, 0.5)) -> Camera:
    return Camera(motion, zoom, focus, Fit.COVER)


def sixteen_by_nine(motion: Motion, **options: object) -> Plan:
    return plan((1600, 900), (320, 180), camera(motion, **options), 25)  # type: ignore[arg-type]


@given(SIDES, FRAMES, CAMERAS, st.integers(1, 60))
def test_every_window_lies_inside_the_photo(
    photo: tuple[int, int], frame: tuple[int, int], asked: Camera, frames: int
) -> None:
    made = plan(photo, frame, asked, frames)
    assert len(made.windows) == frames
    for window in made.windows:
        assert window.x >= -1e-6 and window.x + window.width <= photo[0] + 1e-6
        assert window.y >= -1e-6 and window.y + window.height <= photo[1] + 1e-6


@given(SIDES, FRAMES, CAMERAS)
def test_nothing_is_distorted(photo: tuple[int, int], frame: tuple[int, int], asked: Camera) -> None:
    made = plan(photo, frame, asked, 3)
    for window in made.windows:
        assert window.width / window.height == pytest.approx(made.box.width / made.box.height, rel=1e-6)


@given(SIDES, FRAMES, CAMERAS)
def test_the_box_is_even_and_inside_the_frame(photo: tuple[int, int], frame: tuple[int, int], asked: Camera) -> None:
    box = plan(photo, frame, asked, 1).box
    assert all(side % 2 == 0 for side in (box.x, box.y, box.width, box.height))
    assert box.x >= 0 and box.x + box.width <= frame[0]
    assert box.y >= 0 and box.y + box.height <= frame[1]


def test_zoom_in_begins_with_the_widest_view_and_ends_at_the_zoom() -> None:
    made = sixteen_by_nine(Motion.ZOOM_IN)
    assert made.windows[0] == Window(0, 0, 1600, 900)
    assert made.windows[-1] == Window(400, 225, 800, 450)


def test_zoom_out_is_zoom_in_backwards() -> None:
    there, back = sixteen_by_nine(Motion.ZOOM_IN), sixteen_by_nine(Motion.ZOOM_OUT)
    for one, other in zip(there.windows, reversed(back.windows), strict=True):
        assert (one.x, one.y, one.width) == pytest.approx((other.x, other.y, other.width))


def test_a_zoom_grows_by_the_same_factor_each_frame() -> None:
    widths = [window.width for window in sixteen_by_nine(Motion.ZOOM_IN, zoom=3.0).windows]
    factors = [after / before for before, after in pairwise(widths)]
    assert factors == pytest.approx([3 ** (-1 / 24)] * 24)


def test_a_zoom_off_the_middle_goes_straight_about_one_fixed_point() -> None:
    made = sixteen_by_nine(Motion.ZOOM_IN, zoom=4.0, focus=(0.9, 0.2))
    first, last = made.windows[0], made.windows[-1]
    fixed = first.x + first.width * (last.x - first.x) / (first.width - last.width)
    for window in made.windows:
        assert (fixed - window.x) / window.width == pytest.approx((fixed - first.x) / first.width)


@pytest.mark.parametrize(
    ("motion", "side", "sign"),
    [
        (Motion.PAN_RIGHT, "x", 1),
        (Motion.PAN_LEFT, "x", -1),
        (Motion.PAN_DOWN, "y", 1),
        (Motion.PAN_UP, "y", -1),
    ],
)
def test_a_pan_crosses_the_photo_the_way_the_camera_moves(motion: Motion, side: str, sign: int) -> None:
    places = [getattr(window, side) for window in sixteen_by_nine(motion).windows]
    room = {"x": 800, "y": 450}[side]
    assert (places[0], places[-1]) == ((0, room) if sign > 0 else (room, 0))
    paces = [after - before for before, after in pairwise(places)]
    assert paces == pytest.approx([sign * room / 24] * 24)


def test_none_stands_still_on_the_widest_view() -> None:
    assert set(sixteen_by_nine(Motion.NONE).windows) == {Window(0, 0, 1600, 900)}


def test_cover_cuts_a_tall_photo_around_the_focus() -> None:
    made = plan((900, 1600), (320, 180), camera(Motion.NONE, focus=(0.5, 0.25)), 1)
    assert made.windows[0] == Window(0, 400 - 506.25 / 2, 900, 506.25)


def test_contain_shows_the_whole_photo_between_bars() -> None:
    asked = Camera(Motion.NONE, 2.0, (0.5, 0.5), Fit.CONTAIN)
    made = plan((900, 1600), (320, 180), asked, 1)
    assert made.box == Box(108, 0, 102, 180)
    assert made.windows[0].height == pytest.approx(1600, rel=0.01)
    assert made.windows[0].width == pytest.approx(900, rel=0.01)


def test_steps_are_the_ends_of_the_zoom() -> None:
    assert sixteen_by_nine(Motion.ZOOM_IN).steps == pytest.approx((2.5, 5.0))
    assert math.isclose(*sixteen_by_nine(Motion.PAN_LEFT).steps)
