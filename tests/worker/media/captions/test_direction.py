"""Text that runs both ways: every style puts each letter where a browser would, and all of them in the same place."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.worker.media.captions.drawn import HEIGHT, WIDTH, at, composed, drawn, extent, ink
from worker.media.captions.drawing.ass import Event, Lettering, document
from worker.media.captions.drawing.faces import ASCENT, DESCENT
from worker.media.captions.drawing.levels import in_order, levels

SIZE = 20
LOOK = {
    "font": {"size_px": SIZE},
    "position": {"margin_x_percent": 0, "anchor": "center"},
    "edges": {"outline_percent": 0, "shadow_percent": 0},
}
LEFT, RIGHT = "\u200e", "\u200f"

MIXED = (
    'O filme "مرحبا بالعالم" estreia 2024',
    'هل رأيت "الفيلم الجديد" (2024)؟ نعم!',
    'הוא אמר: "שלום, עולם" (היום)!',
    'She said "(שלום עולם)" twice, 3-4 times',
    "מחיר 50-60 שקל, רק 10%!",
    "السعر 12.5% فقط، iPhone 15!",
    "(עוד) פרק 3: «C++ ו-Go»",
    "قال: «نعم»… ثم (٣٤) مرة",
)


def unmoved(text: str, folder: Path, **asked: object) -> NDArray[np.bool_]:
    return ink(at(drawn(composed(text, **(LOOK | asked)).text, folder, 2.5), 2))


def spoken(text: str) -> str:
    """Return a cue whose words begin one after the other in its first second."""
    words = "".join(f"<00:00:01.{100 + 50 * n:03d}>{word} " for n, word in enumerate(text.split()))
    return f"WEBVTT\n\n00:01.000 --> 00:03.000\n{words}\n"


def by_libass(text: str, folder: Path) -> NDArray[np.bool_]:
    """Return a line as libass orders it, that of a text which begins with a mark of its direction."""
    lettering = Lettering("Montserrat", SIZE * (ASCENT + DESCENT), True, False, "#FFFFFF", "#000000", "#000000", 0, 0)
    body = rf"{{\an5\pos({WIDTH / 2},{HEIGHT / 2})}}{text}"
    return ink(at(drawn(document(WIDTH, HEIGHT, lettering, [Event(0, 0, 3000, body)]), folder, 2.5), 2))


def as_one(one: NDArray[np.bool_], other: NDArray[np.bool_], within: int = 1) -> float:
    """Return how much of either has something of the other within a pixel: words stand between pixels too."""
    return min(float((a & wider(b, within)).sum() / a.sum()) for a, b in ((one, other), (other, one)))


def wider(marked: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    moves = [(down, across) for down in (-1, 0, 1) for across in range(-by, by + 1)]
    found: NDArray[np.bool_] = np.logical_or.reduce([np.roll(marked, move, (0, 1)) for move in moves])
    return found


def at_the_left(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """libass puts lines that begin with a mark to the left some pixels beside their place."""
    return np.roll(marked, -extent(marked)[0], axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("text", MIXED)
@pytest.mark.parametrize("style", ["karaoke", "highlight", "box", "underline", "pop", "typewriter"])
def test_every_style_puts_each_letter_where_classic_has_it(style: str, text: str, tmp_path: Path) -> None:
    still = unmoved(text, tmp_path)
    marks = {"active": "#FFFFFF00"} if style in ("box", "underline") else {"active": "#FFD60A"}
    words = {"lines": {"max_words": 20}}
    moved = drawn(composed(spoken(text), style=style, colours=marks, **(LOOK | words)).text, tmp_path, 3)
    assert as_one(ink(moved[29]), still) > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("text", MIXED)
def test_letters_stand_in_the_order_that_libass_has_where_its_rules_do(text: str, tmp_path: Path) -> None:
    mark = LEFT if text[0].isascii() and text[0] != "(" else RIGHT
    assert as_one(at_the_left(unmoved(text, tmp_path)), at_the_left(by_libass(mark + text, tmp_path)), 2) > 0.99


@pytest.mark.slow
def test_brackets_stand_around_what_they_hold(tmp_path: Path) -> None:
    seen = f"{LEFT}Reloaded 123 (Matrix) {LEFT}שלום"
    assert as_one(unmoved("שלום (Matrix) Reloaded 123", tmp_path), by_libass(seen, tmp_path)) > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("text", ["هل رأيت", "مرحبا بالعالم", "שלום עולם"])
def test_a_line_to_the_left_stands_in_the_middle(text: str, tmp_path: Path) -> None:
    left, right, _, _ = extent(unmoved(text, tmp_path))
    assert abs(left + right - WIDTH) <= 4


@pytest.mark.slow
def test_the_box_stands_behind_the_letters_of_a_word_whose_quote_is_elsewhere(tmp_path: Path) -> None:
    frame = at(drawn(composed('Say "שלום עולם" now', style="box", **LOOK).text, tmp_path, 2.5), 1.6)
    box = extent(ink(frame, colour=(255, 214, 10)))
    line = extent(ink(frame))
    assert box[1] - box[0] < 0.45 * (line[1] - line[0])


@pytest.mark.parametrize(
    ("text", "leftwards", "seen"),
    [
        ("abc אבג 12", False, "abc 12 גבא"),
        ("אבג abc", True, "abc גבא"),
        ("אבג 12-34 abc", True, "abc 12-34 גבא"),
        ("אבג 10%", True, "10% גבא"),
        ("ابج 12-34", True, "34-12 جبا"),
        ("ابج 12,34", True, "12,34 جبا"),
        ("אבג (abc) def", True, "def )abc( גבא"),
        ("abc (אבג) דה", False, "abc (גבא) הד"),
        ("אבג (דה abc) def", True, "def )abc הד( גבא"),
        ("abc (אבג", False, "abc (גבא"),
        ("אֶבג", True, "אֶבג"[::-1]),
        ("...", True, "..."),
        ("", False, ""),
    ],
)
def test_characters_are_ordered_by_the_unicode_algorithm(text: str, leftwards: bool, seen: str) -> None:
    """What is seen is written here with brackets as they are written."""
    ordered = [text[n] for n in in_order(levels(text, leftwards=leftwards))]
    assert "".join(ordered) == seen
