"""Reading a plane between its samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.pictures import scene
from worker.media.still import resample
from worker.media.still.resample import Axis, Sampler

SOURCE = np.ascontiguousarray(scene(400, 300)[..., 1])


def read_exactly(source: NDArray[np.uint8], x: Axis, y: Axis, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Bilinear reading as the textbook has it."""
    across = weights(x, shape[1], source.shape[1])
    down = weights(y, shape[0], source.shape[0])
    return down @ source.astype(np.float64) @ across.T


def weights(axis: Axis, count: int, size: int) -> NDArray[np.float64]:
    places = np.clip(axis.first + np.arange(count) * axis.step, 0, size - 1)
    made: NDArray[np.float64] = np.maximum(0.0, 1 - np.abs(places[:, None] - np.arange(size)))
    return made


@settings(max_examples=80, deadline=None)
@given(
    st.floats(-0.4, 60), st.floats(-0.4, 60), st.floats(0.3, 2.4), st.floats(0.3, 2.4), st.sampled_from([31, 64, 120])
)
def test_points_are_read_where_they_lie(left: float, top: float, across: float, down: float, width: int) -> None:
    x, y = Axis(left, across), Axis(top, down)
    target = np.empty((77, width), np.uint8)
    Sampler().sample(SOURCE, x, y, target)
    exact = read_exactly(SOURCE, x, y, target.shape)
    assert np.abs(target - exact).mean() < 0.6
    # 1/50 of a sample off at the edges, where samples differ by up to 255.
    assert np.abs(target - exact).max() < 255 * 0.02 * 2 + 2


def test_both_ways_are_used_and_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = Axis(40.3, 1.37), Axis(31.8, 1.41)
    by_resize, by_warp = (np.empty((120, 200), np.uint8) for _ in range(2))
    warp = resample._warp
    monkeypatch.setattr(resample, "_warp", lambda *_: pytest.fail("resize could have done this"))
    Sampler().sample(SOURCE, x, y, by_resize)
    warp(SOURCE, x, y, by_warp)
    assert np.abs(by_resize.astype(int) - by_warp).max() <= 8
    assert np.abs(by_resize.astype(int) - by_warp).mean() < 0.4


def test_where_no_whole_steps_hit_the_points_they_are_still_exact() -> None:
    x = y = Axis(20.25, 1.5)  # steps of one and a half never come to a quarter
    target = np.empty((80, 80), np.uint8)
    Sampler().sample(SOURCE, x, y, target)
    assert np.abs(target - read_exactly(SOURCE, x, y, target.shape)).max() <= 1
