"""How the camera's speed changes on its way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.operations.img2vid import Easing
from worker.media.still.motion import Course

TIMES = st.floats(0, 1)


@given(st.sampled_from(Easing), TIMES, TIMES)
def test_it_goes_from_one_end_to_the_other_and_never_back(easing: Easing, one: float, other: float) -> None:
    course = Course(easing)
    assert course.share(0) == pytest.approx(0)
    assert course.share(1) == pytest.approx(1)
    assert course.share(min(one, other)) <= course.share(max(one, other)) + 1e-12


@given(st.sampled_from(Easing), TIMES)
def test_there_and_back_is_the_same_way(easing: Easing, time: float) -> None:
    course = Course(easing, ping_pong=True)
    assert course.share(time) == pytest.approx(course.share(1 - time))
    assert course.share(0.5) == pytest.approx(1)


def test_it_starts_and_stops_as_softly_as_it_says() -> None:
    def speed(easing: Easing, time: float) -> float:
        return (Course(easing).share(time + 1e-4) - Course(easing).share(time)) / 1e-4

    assert speed(Easing.EASE_IN, 0) < 0.01 < 1.5 < speed(Easing.EASE_IN, 0.999)
    assert speed(Easing.EASE_OUT, 0) > 1.5 > 0.01 > speed(Easing.EASE_OUT, 0.9999)
    assert max(speed(Easing.EASE_IN_OUT, 0), speed(Easing.EASE_IN_OUT, 0.9999)) < 0.01
