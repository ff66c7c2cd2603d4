"""What a dry run tells of characters without a glyph is what the worker finds when it draws."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from shared.captions import coverage
from shared.captions.appearance import Appearance, LetterCase
from shared.captions.coverage import missing
from shared.captions.families import DEFAULT_FAMILY, FAMILIES
from shared.captions.shown import characters
from shared.captions.syntax import checked
from shared.errors import SubtitleLimits, SubtitleSyntax
from tests.shared.captions.written import ass, srt
from worker.media.captions.drawing.faces import typeface
from worker.media.captions.reading.read import from_text
from worker.media.captions.reading.wording import reworded

VARIED = (
    "Olá, ação! Ελληνικά Привет Əliyev əl ɓ ß ŉ İstanbul e\u0301 o\u0332 Ŵ → ∑ ♡ ∶",
    "مرحبا بالعالم ۱۲۳ ﷽ پ‌ژ",
    "שלום עולם נִקּוּד",
    "😀 👨‍👩‍👧‍👦 ❤️ ❤︎ 👍🏽 1️⃣ #\u20e3 🇧🇷 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🫪 ♪ ★ ✓ ☕",
    "漢字かなカナ か\u3099 한국어 ｆｕｌｌ、　。 \uf900 नमस्ते ไทย ქართული",
    "\ue000 \uf8ff \U000fe4e5 \U0010fffd \u0378 \ufffd \ufffc",
    "\ufeff \u200b \u00ad \u2060 \u2028 \x85 \x07 \u202etxt\u202c \u3000",
)


def vtt(text: str) -> str:
    return (
        f"WEBVTT 見\n\nSTYLE\n::cue(見) {{}}\n\nNOTE 注\n注\n\n題\n00:01.000 --> 00:03.000 line:0\n{text}\n\nNOTE 注\n"
    )


def words(text: str) -> str:
    spoken = [{"word": word, "start": 1, "end": 2, "speaker": "張"} for word in text.split()]
    return json.dumps({"language": "中", "words": spoken})


WRITTEN: tuple[Callable[[str], str], ...] = (srt, vtt, ass, words)


def foretold(written: str, asked: Appearance) -> list[str]:
    checked(written)
    return missing(characters(written, asked), asked.font.family)


def found(written: str, asked: Appearance) -> list[str]:
    shown = (word.text for cue in reworded(from_text(written).cues, asked) for word in cue.words)
    return typeface(asked.font.family, bold=True).missing(shown)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("bold", [False, True])
def test_what_is_said_to_be_covered_is_in_the_fonts_of_each_weight(family: str, bold: bool) -> None:
    faces = typeface(family, bold=bold).faces
    assert coverage._covered(family) == frozenset().union(*(face.characters for face in faces)), "`make docs`"


def test_no_character_is_judged_otherwise_than_by_the_worker() -> None:
    planes = (0, 1, 0xE, 0xF)
    every = [chr(code) for plane in planes for code in range(plane << 16, (plane + 1) << 16)]
    assert missing(every) == typeface(DEFAULT_FAMILY, bold=True).missing(every)


@pytest.mark.parametrize("case", LetterCase)
@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: written.__name__)
@pytest.mark.parametrize("text", VARIED)
def test_a_text_in_any_format_and_letters_misses_what_the_worker_misses(
    text: str, written: Callable[[str], str], case: LetterCase
) -> None:
    asked = Appearance(letter_case=case)
    assert foretold(written(text), asked) == found(written(text), asked)


MARKED = (
    "<font face='メイリオ'>a</font>",
    "{\\fnメイリオ}a {注}b",
    "<v 張三>a <c.黄>b</c> <lang zh>c</lang>",
    "<v 張\n三>a",
    "&#x6f22;&#28450; &amp;#x6f22; &#x6f<b></b>22;",
    "a {\\p1}m 0 0 漢{\\p0} b",
    "<漢> {漢} < i>漢</ i> <b>字\n漢",
    "a\\N漢\\h字\\nə \\Nə",
    "- a --> 漢",
    "<\u0338b 漢> <\ufeffv 漢>a",
)


@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: written.__name__)
@pytest.mark.parametrize("text", MARKED)
def test_what_is_not_shown_is_not_reported(text: str, written: Callable[[str], str]) -> None:
    asked = Appearance()
    told = foretold(written(text), asked)
    assert set(told) <= set(found(written(text), asked))


STAMP = "<00:00:01.500>"
PIECES = (
    *(
        "漢",
        "ə",
        "字",
        "a",
        "É",
        " ",
        "\n",
        "\n\n",
        "\r",
        "\u2028",
        "か\u3099",
        "\u0338",
        "\ufffc",
        "\ufeff",
        "&#x6f22;",
    ),
    *("<", ">", "</", "<v ", "<b>", STAMP, "{", "}", "{\\", "\\p1", "\\N", "\\h", "-->", "Dialogue: ", ",", "2"),
)
RULES = ("漢", "ə", "a", "É a", "漢 字", "Ə")


@settings(max_examples=400, deadline=None)
@given(
    written=some.sampled_from(WRITTEN),
    text=some.lists(some.sampled_from(PIECES), min_size=1, max_size=14).map("".join),
    case=some.sampled_from(LetterCase),
    sought=some.lists(some.sampled_from(RULES), max_size=2),
    masked=some.lists(some.sampled_from(RULES), max_size=2),
)
def test_nothing_is_reported_that_the_worker_does_not_miss(
    written: Callable[[str], str], text: str, case: LetterCase, sought: list[str], masked: list[str]
) -> None:
    replace = [{"find": find, "put": "b"} for find in sought]
    asked = Appearance.model_validate({"letter_case": case, "replace": replace, "mask": masked})
    try:
        told, missed = foretold(written(text), asked), found(written(text), asked)
    except (SubtitleSyntax, SubtitleLimits):
        return
    assert set(told) <= set(missed)
