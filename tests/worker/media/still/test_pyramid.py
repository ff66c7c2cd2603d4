"""The levels of a photo."""

import itertools

import numpy as np
import pytest

from shared.operations.img2vid import Fit, Motion
from tests.pictures import scene
from worker.media.still.motion import Camera, Plan, plan
from worker.media.still.pyramid import MARGIN, Pyramid, cutoffs, reduction, shares


def zoom(photo: tuple[int, int], frame: tuple[int, int], by: float, frames: int = 50) -> Plan:
    return plan(photo, frame, Camera(Motion.ZOOM_IN, by, (0.5, 0.5), Fit.COVER), frames)


def test_a_plan_of_little_change_takes_one_level() -> None:
    assert cutoffs(1.5, 2.0, spread=1.42) == [1.5]
    assert cutoffs(2.0, 2.0, spread=1.06) == [2.0]


def test_cutoffs_reach_from_end_to_end_by_equal_ratios() -> None:
    steps = cutoffs(0.5, 2.0, spread=1.42)
    assert (steps[0], steps[-1]) == pytest.approx((0.5, 2.0))
    ratios = [after / before for before, after in itertools.pairwise(steps)]
    assert ratios == pytest.approx([ratios[0]] * len(ratios))
    assert max(ratios) <= 1.42


def test_levels_are_at_most_eight() -> None:
    assert len(cutoffs(0.5, 2.0, spread=1.01)) == 8


def test_blended_shares_glide_from_one_level_to_the_next() -> None:
    steps = cutoffs(0.5, 2.0, spread=1.42)
    before: dict[int, float] = {0: 1.0}
    for step in np.geomspace(0.5, 2.0, 400):
        now = dict(shares(steps, step))
        assert sum(now.values()) == pytest.approx(1)
        assert sum(abs(now.get(index, 0) - before.get(index, 0)) for index in range(len(steps))) < 0.05
        before = now


def test_close_levels_are_taken_one_at_a_time() -> None:
    steps = cutoffs(1.5, 2.0, spread=1.06)
    assert {len(shares(steps, step)) for step in np.geomspace(1.5, 2.0, 40)} == {1}


@pytest.mark.parametrize(("step", "smaller"), [(0.3, 1), (1.4, 1), (2.9, 1), (3.0, 2), (6.2, 4)])
def test_a_level_keeps_at_least_one_and_a_half_samples_per_output_pixel(step: float, smaller: int) -> None:
    assert reduction(step) == smaller
    assert step / smaller >= min(step, 1.5)


def test_only_the_part_that_is_seen_is_kept() -> None:
    made = plan((4000, 3000), (320, 180), Camera(Motion.NONE, 1, (0.5, 0.5), Fit.COVER), 3)
    pyramid = Pyramid(np.zeros((3000, 4000, 3), np.uint8), 1, made, spread=1.42)
    (level, share), *more = pyramid.levels(12.5)
    assert (share, more) == (1.0, [])
    assert level.planes.luma.shape[1] == 4000 // 8 + 2 * MARGIN
    assert level.planes.luma.shape[0] < 2500 // 8 + 2 * MARGIN


def test_levels_no_longer_needed_are_forgotten() -> None:
    made = zoom((800, 450), (320, 180), 4.0)
    pyramid = Pyramid(scene(800, 450), 1, made, spread=1.42)
    for window in made.windows:
        assert len(pyramid.levels(window.width / 320)) <= 2
        assert len(pyramid._made) <= 2
