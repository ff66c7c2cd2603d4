"""Which characters of subtitles in a request are looked at, and how those that no font has are told."""

import json

import pytest

from shared.captions.appearance import Appearance
from shared.captions.coverage import MAX_NAMED, missing, named
from shared.captions.shown import characters
from tests.shared.captions.written import ASS_HEAD, ass, srt

VTT = """WEBVTT 見

STYLE
::cue(見) {}

NOTE 見

見
00:01.000 --> 00:02.000
<v 見><00:01.500>字&#x6f22;

NOTE 見
"""
NAMES = ASS_HEAD.replace("Arial", "見").replace("Aside", "見")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (srt("<font face='見'>字</font>{\\fn見}", "漢"), "字漢"),
        (VTT, "字漢"),
        (f"{NAMES}Comment: 0,0:00:01.00,0:00:02.00,見,見,0,0,0,見,見\n{ass('字{見}漢')[len(ASS_HEAD) :]}", "字漢"),
        (ass("字{\\p1}m 0 0 見"), "字"),
        (json.dumps({"見": "見", "words": [{"word": "字漢", "start": 0, "end": 1, "speaker": "見"}]}), "字漢"),
        ("\ufeff" + srt("字\u202e\x07\ufffc\ufeff"), "字"),
        (srt("か\u3099"), "が"),
    ],
)
def test_only_what_is_shown_is_looked_at(written: str, shown: str) -> None:
    assert missing(characters(written, Appearance())) == sorted(shown)


@pytest.mark.parametrize(("case", "absent"), [("as_is", "ᲀ"), ("lower", "ᲀ"), ("upper", ""), ("title", "")])
def test_letters_count_as_they_will_be_written(case: str, absent: str) -> None:
    # An old letter that no font here has, with a capital that all have.
    assert missing(characters(srt("ᲀли"), Appearance.model_validate({"letter_case": case}))) == list(absent)


def test_what_may_be_replaced_or_masked_is_not_reported() -> None:
    asked = Appearance.model_validate({"replace": [{"find": "漢", "put": "X"}], "mask": ["字 a"]})
    assert missing(characters(srt("漢 字 見"), asked)) == ["見"]


def test_families_differ_in_what_no_other_stands_in_for() -> None:
    assert (missing("→ ♡", "Inter"), missing("→ ♡", "Anton"), missing("→ ♡", "Noto Sans")) == ([], ["♡"], ["→", "♡"])


def test_characters_are_named_by_their_codes_and_not_without_end() -> None:
    assert named(["漢", "\ue000", "\u1abf", "\U0001fbf0"]) == "漢 (U+6F22), U+E000, U+1ABF, \U0001fbf0 (U+1FBF0)"
    assert named([chr(0x4E00 + n) for n in range(MAX_NAMED + 7)]).endswith(" and 7 more")
