"""Text put anywhere is shown whole: inside the frame, inside what an app leaves free, and clear of other text."""

from pathlib import Path
from typing import Any

import pytest

from shared.captions.appearance import Anchor
from shared.captions.safe_areas import SafeArea, insets
from tests.shared.captions.written import srt
from tests.worker.media.captions.drawn import HEIGHT, WIDTH, alike, at, composed, drawn, extent, ink

pytestmark = pytest.mark.slow

TEXT = "Seven words that fill up two lines"
CORNERS = [(0.9, 0.5), (0.1, 0.5), (0, 0), (1, 1), (0.5, 0), (0.5, 1), (1, 0)]
BLUE = (0, 0, 255)


def still(folder: Path, text: str = TEXT, **asked: Any) -> Any:
    return at(drawn(composed(text, **({"font": {"size_percent": 8}} | asked)).text, folder, 2.5), 2)


@pytest.mark.parametrize("anchor", [Anchor.CENTER, Anchor.BOTTOM_RIGHT, Anchor.TOP_LEFT])
@pytest.mark.parametrize(("x", "y"), CORNERS)
def test_text_put_at_an_edge_is_moved_into_the_frame(anchor: Anchor, x: float, y: float, tmp_path: Path) -> None:
    wanted = ink(still(tmp_path, position={"anchor": "center", "x": 0.5, "y": 0.5}))
    found = ink(still(tmp_path, position={"anchor": anchor, "x": x, "y": y}))
    left, right, top, bottom = extent(found)
    assert (left > 0, right < WIDTH - 1, top > 0, bottom < HEIGHT - 1) == (True, True, True, True)
    assert 0.9 < found.sum() / wanted.sum() < 1.1, "nothing is cut off"


def test_what_was_moved_is_counted() -> None:
    at_the_edge = composed(srt(TEXT, "a"), position={"x": 0.9, "y": 0.5, "anchor": "center"})
    assert at_the_edge.changes["moved-into-the-frame"] == 1, "the short one fits"
    assert composed(srt("a"), position={"x": 0, "y": 0, "anchor": "bottom_right"}).changes["moved-into-the-frame"] == 1
    for anchor in Anchor:
        assert "moved-into-the-frame" not in composed(TEXT, position={"anchor": anchor}).changes


def test_a_point_that_fits_is_kept(tmp_path: Path) -> None:
    left, _, top, _ = extent(ink(still(tmp_path, "HHH", position={"anchor": "top_left", "x": 0.02, "y": 0.02})))
    assert abs(left - 0.02 * WIDTH) < 4
    assert top < 0.06 * HEIGHT


@pytest.mark.parametrize("area", [SafeArea.TIKTOK, SafeArea.REELS, SafeArea.SHORTS])
@pytest.mark.parametrize(("x", "y"), CORNERS)
def test_text_put_outside_a_safe_area_is_moved_into_it(area: SafeArea, x: float, y: float, tmp_path: Path) -> None:
    frame = still(tmp_path, position={"anchor": "center", "x": x, "y": y, "safe_area": area})
    left, right, top, bottom = extent(ink(frame))
    inset = insets(area)
    assert left >= inset.left * WIDTH - 3
    assert right <= (1 - inset.right) * WIDTH + 3
    assert top >= inset.top * HEIGHT - 3
    assert bottom <= (1 - inset.bottom) * HEIGHT + 3


@pytest.mark.parametrize("margins", [0, 6])
@pytest.mark.parametrize("anchor", [Anchor.TOP_LEFT, Anchor.BOTTOM_RIGHT])
def test_the_box_behind_the_text_is_inside_too(margins: int, anchor: Anchor, tmp_path: Path) -> None:
    position = {"anchor": anchor, "x": 1, "y": 1, "margin_x_percent": margins, "margin_y_percent": margins}
    long = still(tmp_path, "WWWW " * 12, position=position, colours={"background": "#0000FF"})
    left, right, top, bottom = extent(ink(long, colour=BLUE))
    assert (left >= 1, right <= WIDTH - 2, top >= 1, bottom <= HEIGHT - 2) == (True, True, True, True)


def test_large_lines_that_would_not_fit_below_each_other_follow_each_other(tmp_path: Path) -> None:
    large = {"font": {"size_percent": 30}, "lines": {"max_lines": 6}}
    found = composed(" ".join(["word"] * 8), **large)
    assert found.screens > 1
    frames = drawn(found.text, tmp_path, 3)
    for second in (1.2, 2.8):
        _, _, top, bottom = extent(ink(at(frames, second)))
        assert top > 0
        assert bottom < HEIGHT - 1


def test_many_cues_at_once_are_all_inside_the_frame(tmp_path: Path) -> None:
    cue = "{}\n00:00:01,000 --> 00:00:03,000\nHHHHH{}\n\n"
    many = "".join(cue.format(n, n) for n in range(8))
    for anchor in ("bottom", "center", "top"):
        frame = still(tmp_path, many, font={"size_percent": 8}, position={"anchor": anchor})
        _, _, top, bottom = extent(ink(frame))
        assert top > 0
        assert bottom < HEIGHT - 1
        rows = ink(frame).any(axis=1).astype(int)
        assert (abs(rows[1:] - rows[:-1])).sum() == 16, "eight lines apart from each other"


def test_cues_put_at_the_same_point_stand_above_each_other(tmp_path: Path) -> None:
    cue = "1\n00:00:01,000 --> 00:00:03,000\n{}\n\n"
    position = {"anchor": "top", "x": 0.5, "y": 0.98}
    both = ink(still(tmp_path, cue.format("aaaa") + cue.format("bbbb"), position=position))
    one = ink(still(tmp_path, cue.format("aaaa"), position=position))
    assert both.sum() > 1.6 * one.sum()
    assert not alike(both, one) > 0.7
