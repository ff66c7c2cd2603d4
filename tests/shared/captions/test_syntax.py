"""Which subtitles are taken, and what is said of those that are not."""

import time

import pytest

from shared.captions.syntax import MAX_AT_ONCE, MAX_CUES, Format, checked
from shared.errors import SubtitleLimits, SubtitleSyntax
from tests.shared.captions.written import ass, srt

VTT = (
    "WEBVTT\n\nNOTE a note\n\nintro\n00:01.000 --> 00:02.500 line:0 align:start\n<v Ann>Hi\n\n"
    "01:00:03.000 --> 01:00:04.000\nBye\n"
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (srt("Hi"), Format.SRT),
        ("\ufeff" + srt("Hi"), Format.SRT),
        (srt("Hi").replace("\n", "\r\n"), Format.SRT),
        (srt("Hi").replace("\n", "\r"), Format.SRT),
        ("1\n0:00:01.5 --> 0:00:02,50\nother writers\n", Format.SRT),
        (VTT, Format.VTT),
        (ass("Hi"), Format.ASS),
        ('[{"word": "Hi", "start": 0, "end": 1}]', Format.WORDS),
        ('{"words": [{"text": "Hi", "start": 0, "end": 1, "probability": 0.9}]}', Format.WORDS),
        ('{"segments": [{"text": "Hi you", "start": 0, "end": 1}]}', Format.WORDS),
    ],
)
def test_a_format_is_known_by_what_it_looks_like(text: str, found: Format) -> None:
    assert checked(text) is found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "can't be read"),
        ("just words", "can't be read"),
        ("\x89PNG\r\n\x1a\n", "can't be read"),
        ("WEBVTT\n\nnothing\n", "not a single cue"),
        ("[Script Info]\n[Events]\n", "not a single cue"),
        ("[]", "not a single cue"),
        ("1\n00:99:99,000 --> 00:99:99,500\nx\n", "Line 2 of the subtitles is no timing: 00:99:99,000"),
        ("1\n00:00:02,000 --> 00:00:01,000\nx\n", "Line 2 of the subtitles ends before it begins"),
        ("1\n-00:00:02,000 --> 00:00:03,000\nx\n", "Line 2 of the subtitles is no timing"),
        (srt("a") + "3\n00:00:0x,000 -> 00:00:05,000\nx\n", "Line 6 of the subtitles is no timing"),
        (srt("a") + "3\n00:00:04,000 –> 00:00:05,000\nx\n", "Line 6 of the subtitles is no timing"),
        (srt("a") + "3\n00:00:05,000 --> oops\nx\n", "Line 6 of the subtitles is no timing"),
        ("1\n999:00:00,000 --> 999:00:01,000\nx\n", "Line 2 of the subtitles is no timing"),
        ("WEBVTT\n\n00:61.000 --> 00:62.000\nx\n", "Line 3 of the subtitles is no timing"),
        (ass("x").replace("0:00:03.00", "0:00:99.00"), "is no timing"),
        ('{"word": 1', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"text": "x"}', "Words JSON is"),
        ('[{"word": "a", "start": 0}]', "words[0].end is no time in seconds"),
        ('[{"word": "a", "start": true, "end": 1}]', "words[0].start is no time"),
        ('[{"word": "a", "start": -1, "end": 1}]', "words[0].start is no time"),
        ('[{"word": "a", "start": NaN, "end": 1}]', "words[0].start is no time"),
        ('[{"word": "a", "start": 1e999, "end": 1}]', "words[0].start is no time"),
        ('[{"word": "a", "start": 2, "end": 1}]', "words[0] ends before it begins"),
        ('[{"word": 5, "start": 1, "end": 2}]', "words[0] has no text"),
        ("[5]", "words[0] is no object"),
        ('{"segments": [{"words": [{"word": "a"}]}]}', "segments[0].words[0].start"),
        ('[{"word":"a","start":2,"end":3},{"word":"b","start":1,"end":3}]', "not in order at 1 s"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(SubtitleSyntax) as refused:
        checked(text)
    assert said in refused.value.detail
    assert (refused.value.code, refused.value.retryable) == ("subtitle-syntax", False)


def many(count: int, length_s: int = 1) -> str:
    return "".join(f"{n}\n00:00:00,000 --> 00:00:{length_s:02d},000\nx\n\n" for n in range(count))


def apart(count: int) -> str:
    return "".join(f"{n}\n{_at(n)},000 --> {_at(n)},900\nx\n\n" for n in range(count))


def _at(s: int) -> str:
    return f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}"


def test_many_cues_are_taken_where_they_follow_each_other() -> None:
    assert checked(apart(MAX_CUES)) is Format.SRT
    assert checked(many(MAX_AT_ONCE)) is Format.SRT


@pytest.mark.parametrize(
    "text",
    [
        "1\n00:00:00,000 --> 00:00:01,000\n" + "a b " * 1_250_000 + "\n",
        many(20_000, 59),
        many(MAX_AT_ONCE + 1),
        apart(MAX_CUES + 1),
        srt("x" * 20_000),
        "[" + ",".join('{"word":"a","start":0,"end":1}' for _ in range(60_000)) + "]",
    ],
    ids=["5 MB in one line", "20 000 at once", "one too many at once", "one cue too many", "a long line", "words"],
)
def test_too_much_is_refused_at_once(text: str) -> None:
    started_s = time.perf_counter()
    with pytest.raises(SubtitleLimits) as refused:
        checked(text)
    assert refused.value.code == "subtitle-limits"
    assert time.perf_counter() - started_s < 2
