"""What img2vid takes, and what it foretells."""

import pytest
from pydantic import ValidationError

from shared.operations.img2vid import OPERATION, Params

IMAGE = "https://example.com/a.jpg"


def test_the_largest_and_the_longest_are_taken_apart_but_not_together() -> None:
    Params(image=IMAGE, duration_s=60, fps=120, width=1920, height=1080)
    Params(image=IMAGE, duration_s=20, fps=30, width=4096, height=4096)
    with pytest.raises(ValidationError, match="take too long"):
        Params(image=IMAGE, duration_s=60, fps=120, width=4096, height=4096)


@pytest.mark.parametrize(("duration_s", "fps"), [(5, 24), (0.5, 1), (7.3, 25), (60, 120)])
def test_what_is_foreseen_of_a_video_has_the_shape_of_what_is_reported_of_it(duration_s: float, fps: int) -> None:
    params = Params(image=IMAGE, duration_s=duration_s, fps=fps)
    video = OPERATION.foreseen(params)["video"]
    assert set(video) <= set(OPERATION.result.model_fields["video"].annotation.model_fields)  # type: ignore[union-attr]
    assert video["frames"] == params.frames
    assert abs(video["duration_s"] - duration_s) <= 1 / fps
