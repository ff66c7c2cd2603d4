"""Every style, drawn by libass and looked at: where text is, when, in which colour and order."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.captions.appearance import Anchor, Appearance, Style
from shared.captions.safe_areas import SafeArea, insets
from tests.shared.captions.written import srt
from tests.worker.media.captions.drawn import HEIGHT, WIDTH, alike, at, composed, drawn, extent, ink

pytestmark = pytest.mark.slow

WHITE, YELLOW, RED, BLACK = (255, 255, 255), (255, 214, 10), (255, 0, 0), (0, 0, 0)
FOUR = "aaaa bbbb cccc dddd"
ARABIC, HEBREW = "مرحبا بالعالم اليوم جميل", "שלום עולם וברכה לכולם"
LARGE = {"font": {"size_percent": 10}}


def shown(text: str, folder: Path, second: float = 2.0, **asked: Any) -> np.ndarray[Any, Any]:
    return at(drawn(composed(text, **(LARGE | asked)).text, folder), second)


@pytest.mark.parametrize("style", list(Style))
def test_text_is_there_when_it_shall_be_and_at_no_other_time(style: Style, tmp_path: Path) -> None:
    frames = drawn(composed(FOUR, style=style, **LARGE).text, tmp_path)
    there = [bool(ink(frame).any()) for frame in frames]
    assert there == [False] * 10 + [True] * 20 + [False] * 5


@pytest.mark.parametrize("style", list(Style))
def test_text_stands_whole_in_the_lower_middle_of_the_frame(style: Style, tmp_path: Path) -> None:
    left, right, top, bottom = extent(ink(shown(FOUR, tmp_path, 2.9, style=style)))
    assert left > 0.05 * WIDTH
    assert right < 0.95 * WIDTH
    assert abs((left + right) / 2 - WIDTH / 2) < 0.02 * WIDTH or style is Style.POP
    assert top > 0.5 * HEIGHT
    assert bottom < 0.97 * HEIGHT


def test_classic_stands_still(tmp_path: Path) -> None:
    frames = drawn(composed(FOUR).text, tmp_path)[10:30]
    assert (frames == frames[0]).all()


@pytest.mark.parametrize(("text", "leftwards"), [(FOUR, False), (HEBREW, True), (ARABIC, True)])
def test_karaoke_fills_the_line_in_the_direction_of_reading(text: str, leftwards: bool, tmp_path: Path) -> None:
    frames = drawn(composed(text, style="karaoke", **LARGE).text, tmp_path)
    filled = [ink(at(frames, second), colour=YELLOW) for second in (1.2, 1.6, 2.2, 2.9)]
    edges = [extent(marked)[0 if leftwards else 1] for marked in filled]
    assert edges == sorted(edges, reverse=leftwards)
    assert [marked.sum() for marked in filled] == sorted(marked.sum() for marked in filled)
    whole = extent(ink(at(frames, 2.9)))
    start = extent(filled[0])[1 if leftwards else 0]
    assert abs(start - whole[1 if leftwards else 0]) < 12, "it starts at the line's beginning"


@pytest.mark.parametrize("style", [Style.HIGHLIGHT, Style.BOX, Style.UNDERLINE])
@pytest.mark.parametrize(("text", "leftwards"), [(FOUR, False), (HEBREW, True)])
def test_the_word_that_is_said_is_marked_and_no_other(style: Style, text: str, leftwards: bool, tmp_path: Path) -> None:
    frames = drawn(composed(text, style=style, **LARGE).text, tmp_path)
    places = [extent(ink(at(frames, second), colour=YELLOW))[:2] for second in (1.2, 1.7, 2.2, 2.8)]
    middles = [(left + right) / 2 for left, right in places]
    assert middles == sorted(middles, reverse=leftwards)
    whole = extent(ink(at(frames, 2.0)))
    assert all(right - left < (whole[1] - whole[0]) * 0.4 for left, right in places)


def test_the_box_stands_behind_the_word_and_the_line_under_it(tmp_path: Path) -> None:
    box = shown(FOUR, tmp_path, 1.2, style="box")
    left, right, top, bottom = extent(ink(box, colour=YELLOW))
    letters = ink(box[top:bottom, left:right], colour=BLACK)
    assert letters.sum() > 50
    line = shown(FOUR, tmp_path, 1.2, style="underline")
    assert extent(ink(line, colour=YELLOW))[2] > extent(ink(line, colour=WHITE))[3] - 3


@pytest.mark.parametrize(
    ("colours", "letters"),
    [
        ({}, BLACK),
        ({"active": "#FFFFFF"}, BLACK),
        ({"active": "#6C4DFF"}, WHITE),
        ({"active": "#000000"}, WHITE),
        ({"text": "#000000", "active": "#000080", "outline": "#FFFFFF"}, WHITE),
        ({"text": "#FF0000"}, BLACK),
        ({"text": "#FF0000", "active": "#FFFFFF"}, RED),
    ],
)
def test_letters_on_a_box_stand_out_from_it(
    colours: dict[str, str], letters: tuple[int, int, int], tmp_path: Path
) -> None:
    edges = {"outline_percent": 0, "shadow_percent": 0}
    frame = shown(FOUR, tmp_path, 1.2, style="box", colours=colours, edges=edges)
    shade = ink(frame, colour=_rgb(colours.get("active", "#FFD60A")))
    whole = extent(ink(frame))
    inside = frame[whole[2] : whole[3], whole[0] : extent(shade[:, : WIDTH // 2 - 40])[1]]
    drawn_in = {name for name in (BLACK, WHITE, RED) if ink(inside, colour=name).sum() > 50}
    assert drawn_in - {_rgb(colours.get("active", "#FFD60A"))} == {letters}


def test_letters_on_a_box_look_as_usual_before_and_after(tmp_path: Path) -> None:
    frames = drawn(composed(FOUR, style="box", **LARGE).text, tmp_path)
    still = drawn(composed(FOUR, style="highlight", colours={"active": "#FFFFFF"}, **LARGE).text, tmp_path)
    first, last = slice(0, WIDTH // 2 - 60), slice(WIDTH // 2 + 60, WIDTH)
    for second, side in ((1.2, last), (2.8, first)):
        assert (at(frames, second)[:, side] == at(still, second)[:, side]).all()


def _rgb(written: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(written.removeprefix("#"))
    return red, green, blue


def test_word_shows_one_after_the_other_and_pop_keeps_those_before(tmp_path: Path) -> None:
    one = drawn(composed("aaa bbb ccc", style="word", **LARGE).text, tmp_path)
    widths = [extent(ink(at(one, second)))[1] - extent(ink(at(one, second)))[0] for second in (1.3, 2.0, 2.8)]
    assert max(widths) - min(widths) < 15
    assert not alike(ink(at(one, 1.3)), ink(at(one, 2.8))) > 0.95
    grown = drawn(composed("aaa bbb ccc", style="pop", **LARGE).text, tmp_path)
    amounts = [ink(at(grown, second)).sum() for second in (1.4, 2.1, 2.9)]
    assert amounts[0] < 0.6 * amounts[1]
    assert amounts[1] < 0.8 * amounts[2]
    assert ink(at(grown, 1.0)).sum() < 0.8 * ink(at(grown, 1.4)).sum(), "it springs up"


@pytest.mark.parametrize(("text", "leftwards"), [(FOUR, False), (ARABIC, True)])
def test_typewriter_shows_letter_after_letter(text: str, leftwards: bool, tmp_path: Path) -> None:
    frames = drawn(composed(text, style="typewriter", **LARGE).text, tmp_path)
    edges = [extent(ink(at(frames, second)))[0 if leftwards else 1] for second in np.arange(1.1, 2.9, 0.2)]
    assert edges == sorted(edges, reverse=leftwards)
    assert len(set(edges)) >= 8
    assert alike(ink(at(frames, 2.9)), ink(shown(text, tmp_path))) > 0.85


@pytest.mark.parametrize(
    "text",
    [
        HEBREW, ARABIC, "שלום Wi-Fi עולם 123!", "He said שלום עולם to me", "מחיר 50 שקל (רק היום)",
        "أهلا، iPhone 15 جديد؟",
        "می‌خواهم کتاب‌ها را", "123 שלום abc",
    ],
)  # fmt: skip
def test_words_placed_one_by_one_stand_as_libass_itself_orders_the_line(text: str, tmp_path: Path) -> None:
    at_once = ink(shown(text, tmp_path))
    one_by_one = ink(shown(text, tmp_path, style="highlight"))
    assert alike(at_once, one_by_one) > 0.85


def test_a_line_that_runs_to_the_left_begins_at_the_right(tmp_path: Path) -> None:
    first = '<font color="#ff0000">{}</font> {}'
    for text in (HEBREW, ARABIC):
        frame = shown(first.format(*text.split(" ", 1)), tmp_path)
        assert abs(extent(ink(frame, colour=RED))[1] - extent(ink(frame))[1]) < 8


@pytest.mark.parametrize("emoji", ["😀", "🎉", "❤️", "👨‍👩‍👧‍👦", "🇧🇷", "👍🏽", "1️⃣", "♪", "★", "✓"])
def test_emoji_and_signs_are_drawn_and_not_as_empty_boxes(emoji: str, tmp_path: Path) -> None:
    found = composed(emoji, **LARGE)
    assert found.missing_glyphs == []
    empty = composed("漢", **LARGE)
    assert empty.missing_glyphs == ["漢"]
    signs, box = (ink(at(drawn(each.text, tmp_path, 2), 1.5), colour=WHITE) for each in (found, empty))
    assert alike(signs, box) < 0.5
    left, right, _, _ = extent(signs)
    assert right - left < 0.14 * WIDTH, "one sign, not its parts one after the other"


@pytest.mark.parametrize("anchor", list(Anchor))
def test_text_stands_at_each_anchor(anchor: Anchor, tmp_path: Path) -> None:
    left, right, top, bottom = extent(ink(shown("aaa", tmp_path, position={"anchor": anchor})))
    across = 0 if left < WIDTH * 0.15 else 2 if right > WIDTH * 0.85 else 1
    down = 0 if top < HEIGHT * 0.2 else 2 if bottom > HEIGHT * 0.8 else 1
    assert (across, down) == (
        0 if anchor.value.endswith("left") else 2 if anchor.value.endswith("right") else 1,
        0 if anchor.value.startswith("top") else 2 if anchor.value.startswith("bottom") else 1,
    )


def test_a_file_s_own_place_is_taken_unless_another_is_asked_for(tmp_path: Path) -> None:
    assert extent(ink(shown("{\\an8}aaa", tmp_path)))[3] < HEIGHT / 2
    assert extent(ink(shown("{\\an8}aaa", tmp_path, position={"anchor": "bottom"})))[2] > HEIGHT / 2
    sent = Appearance().model_dump(mode="json")
    assert extent(ink(shown("{\\an8}aaa", tmp_path, position=sent["position"])))[3] < HEIGHT / 2


def test_text_stands_at_a_point(tmp_path: Path) -> None:
    left, right, top, bottom = extent(ink(shown("aaa", tmp_path, position={"anchor": "center", "x": 0.25, "y": 0.3})))
    assert abs((left + right) / 2 - WIDTH * 0.25) < 4
    assert abs((top + bottom) / 2 - HEIGHT * 0.3) < 6


@pytest.mark.parametrize("area", [SafeArea.TIKTOK, SafeArea.REELS, SafeArea.SHORTS])
def test_a_safe_area_is_kept_clear(area: SafeArea, tmp_path: Path) -> None:
    frame = shown(" ".join(["words"] * 12), tmp_path, position={"safe_area": area})
    left, right, _, bottom = extent(ink(frame))
    inset = insets(area)
    assert left >= inset.left * WIDTH - 3
    assert right <= (1 - inset.right) * WIDTH + 3
    assert bottom <= (1 - inset.bottom) * HEIGHT


def test_colours_have_their_alpha_and_the_background_its_place(tmp_path: Path) -> None:
    frame = shown("aaa", tmp_path, colours={"text": "#F00", "background": "#0000FFFF", "outline": "#0000"})
    assert ink(frame, colour=RED).sum() > 50
    left, right, top, bottom = extent(ink(frame, colour=(0, 0, 255)))
    letters = extent(ink(frame, colour=RED))
    assert left < letters[0]
    assert right > letters[1]
    assert top < letters[2]
    assert bottom > letters[3]
    faint = shown("aaa", tmp_path, colours={"text": "#FFFFFF40", "outline": "#0000", "shadow": "#0000"})
    assert 0x70 < faint.max() < 0xB0


def test_sizes_are_of_the_frame_s_height_or_in_pixels(tmp_path: Path) -> None:
    heights = []
    for font in ({"size_percent": 10}, {"size_px": 27}, {"size_percent": 20}):
        bare = {"outline_percent": 0, "shadow_percent": 0}
        _, _, top, bottom = extent(ink(shown("HHH", tmp_path, font=font, edges=bare)))
        heights.append(bottom - top + 1)
    assert heights[0] == heights[1]
    assert abs(heights[2] - 2 * heights[0]) <= 2
    assert 0.65 * 27 < heights[0] < 0.8 * 27, "a capital letter has about 0.7 of the size"


def test_letters_are_never_so_large_that_drawing_them_takes_all_memory() -> None:
    sizes = [re.findall(r"Style: Text,[^,]*,([\d.]+)", composed("a", font={"size_px": px}).text) for px in (81, 1000)]
    assert sizes[0] == sizes[1]


def test_a_word_too_long_for_a_line_is_made_smaller_and_never_broken(tmp_path: Path) -> None:
    found = composed("Donaudampfschifffahrtsgesellschaft" * 2, **LARGE)
    assert len(re.findall("^Dialogue", found.text, re.MULTILINE)) == 1
    left, right, top, bottom = extent(ink(at(drawn(found.text, tmp_path), 2)))
    assert left >= 0.05 * WIDTH
    assert right <= 0.95 * WIDTH
    assert bottom - top < 0.1 * HEIGHT


def test_cues_at_the_same_time_stand_above_each_other(tmp_path: Path) -> None:
    cue = "1\n00:00:01,000 --> 00:00:03,000\n{}\n\n"
    frame = shown(cue.format('<font color="#ff0000">aaaa</font>') + cue.format("bbbb"), tmp_path)
    red, white = extent(ink(frame, colour=RED)), extent(ink(frame, colour=WHITE))
    assert white[3] < red[2]


def test_cues_that_barely_overlap_follow_each_other(tmp_path: Path) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,100\naaa\n\n2\n00:00:02,000 --> 00:00:03,000\nbbb\n"
    found = composed(text)
    assert found.changes["overlaps-closed"] == 1
    assert "0:00:02.10" not in found.text


NASTY = (r"x',drawtext=textfile=secret.txt %{metadata:a} [0:v]; %s %d", r"{\p1}m 0 0 l 99 99{\p0} \N\h\n {\b900} \{ \ ")


def test_no_text_is_obeyed(tmp_path: Path) -> None:
    rules = [{"find": "aaa", "put": NASTY[0]}, {"find": "bbb", "put": NASTY[1]}]
    found = composed("aaa bbb", replace=rules, lines={"max_lines": 6}, font={"size_percent": 5})
    bodies = [line.split(",", 9)[9] for line in found.text.splitlines() if line.startswith("Dialogue")]
    shown_text = "".join(re.sub(r"(?<!\\)\{[^}]*\}", "", body) for body in bodies)
    plain = shown_text.replace("\u2060", "").replace(r"\{", "{").replace(r"\}", "}")
    assert "".join(plain.split()) == "".join("".join(NASTY).split())
    assert all(re.fullmatch(r"(?:\\an5|\\pos\([\d.,]+\))+", block) for body in bodies for block in _blocks(body))
    assert ink(at(drawn(found.text, tmp_path), 2)).any()


def _blocks(body: str) -> list[str]:
    return [block[1:-1] for block in re.findall(r"(?<!\\)\{[^}]*\}", body)]


@pytest.mark.parametrize("sign", ["{", "}", "\\", "\\N", "{\\b1}", "&", "<i", "%", "\\h", "{{}}", "\\\\"])
def test_signs_with_a_meaning_are_drawn_as_themselves(sign: str, tmp_path: Path) -> None:
    text = f"{sign} aaa" if sign != "{\\b1}" else "bbb"
    found = composed(text, replace=[{"find": "bbb", "put": "{\\b1} aaa"}], **LARGE)
    wide = extent(ink(at(drawn(found.text, tmp_path, 2), 1.5)))
    bare = extent(ink(at(drawn(composed("aaa", **LARGE).text, tmp_path, 2), 1.5)))
    letters = len(sign.replace("\\N", "").replace("\\h", "")) if sign in ("\\N", "\\h") else len(sign)
    assert (wide[1] - wide[0] - (bare[1] - bare[0]) > 4 * letters) or sign in ("\\N", "\\h")


def test_words_and_lines_are_kept_to_their_number() -> None:
    found = composed(srt(" ".join("abcdefghij"), every_s=5), style="classic", lines={"max_words": 2, "max_lines": 1})
    assert found.screens == 5
    found = composed(srt("one two three four five"), lines={"max_characters": 10})
    lines = [line.rpartition("}")[2] for line in found.text.splitlines() if line.startswith("Dialogue")]
    assert all(len(line) <= 10 for line in lines)
    assert " ".join(lines) == "one two three four five"
