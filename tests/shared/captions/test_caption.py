"""What the operation caption takes, and what it foretells."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from shared.captions.source import MAX_INLINE_BYTES
from shared.captions.syntax import checked
from shared.operations.caption import OPERATION, Mode, Params
from shared.wire.media_input import MediaInput, media_inputs
from tests.shared.captions.written import ass, srt

VIDEO, FILE = "https://example.com/a.mp4", "https://example.com/a.srt"


def asked(**fields: Any) -> Params:
    return Params.model_validate({"video": VIDEO, "subtitles": FILE} | fields)


@pytest.mark.parametrize(
    "text", [srt("Hi"), ass("Hi"), '[{"word":"a","start":0,"end":1}]', "WEBVTT\n\n00:01.000 --> 00:02.000\nx"]
)
def test_subtitles_are_a_file_or_the_text_itself(text: str) -> None:
    assert [media for _, media in media_inputs(asked())] == [VIDEO, FILE]
    inline = asked(subtitles=text)
    assert inline.subtitles == text
    assert not isinstance(inline.subtitles, MediaInput)
    assert [media for _, media in media_inputs(inline)] == [VIDEO]


def test_what_was_accepted_is_accepted_again_by_the_worker() -> None:
    for fields in ({}, {"subtitles": srt("Hi")}, {"subtitles": None, "mode": "soft", "tracks": [{"subtitles": FILE}]}):
        params = asked(**fields)
        assert Params.model_validate(params.model_dump(mode="json")) == params


@pytest.mark.parametrize(
    ("fields", "pointer", "said"),
    [
        ({"subtitles": None}, (), "either `subtitles` or `tracks`"),
        ({"tracks": [{"subtitles": FILE}]}, (), "give one of both"),
        ({"subtitles": [{"word": "a", "start": 0, "end": 1}]}, ("subtitles",), "are given as text, in a string"),
        ({"font": {"size_px": 40, "size_percent": 5}}, ("font",), "two ways to say one size"),
        ({"subtitles": None, "tracks": [{"subtitles": FILE}]}, (), "are for the mode `soft`"),
        ({"mode": "soft", "preview_at_s": 1}, (), "not for the mode `soft`"),
        (
            {"subtitles": None, "mode": "soft", "tracks": [{"subtitles": FILE, "default": True}] * 2},
            (),
            "one track at most is the default",
        ),
        ({"subtitles": "a.srt"}, ("subtitles",), "must be an https://"),
        ({"subtitles": "ftp://example.com/a.srt"}, ("subtitles",), "must be an https://"),
        ({"subtitles": "1\n00:99:00,000 --> 00:99:01,000\nx"}, ("subtitles",), "Line 2 of the subtitles is no timing"),
        ({"subtitles": "[1]"}, ("subtitles",), "(subtitle-syntax)"),
        ({"subtitles": srt("x" * 11_000)}, ("subtitles",), "(subtitle-limits)"),
        ({"subtitles": srt("ö" * 8000, *["ö" * 8000] * 4)}, ("subtitles",), "at most 64 KiB"),
        ({"mode": "soft", "subtitles": None, "tracks": [{"subtitles": "[]"}]}, ("tracks", 0, "subtitles"), "not a"),
        (
            {"mode": "soft", "subtitles": None, "tracks": [{"subtitles": FILE, "language": "xx"}]},
            ("tracks", 0, "language"),
            "three letters",
        ),
        ({"font": {"family": "Papyrus"}}, ("font", "family"), "there are: Anton, Bebas Neue"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_pointed_at(fields: dict[str, Any], pointer: tuple[Any, ...], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        asked(**fields)
    faults = [(fault["loc"], fault["msg"]) for fault in refused.value.errors()]
    assert [loc for loc, _ in faults] == [pointer]
    assert said in faults[0][1]


def test_a_language_may_name_its_region() -> None:
    track = {"subtitles": FILE, "language": "pt-BR"}
    [made] = asked(mode="soft", subtitles=None, tracks=[track]).tracks
    assert made.language == "por"


def test_inline_text_is_small() -> None:
    with pytest.raises(ValidationError, match="at most 65536 characters"):
        asked(subtitles="x" * (MAX_INLINE_BYTES + 1))


def test_subtitles_that_items_share_are_read_once() -> None:
    times = [f"00:{n // 60:02d}:{n % 60:02d},000 --> 00:{n // 60:02d}:{n % 60:02d},900" for n in range(1000)]
    long = json.dumps(asked(subtitles="\n\n".join(f"{each}\nx" for each in times)).model_dump(mode="json"))
    twenty_s = _processor_s(lambda: [checked(json.loads(long)["subtitles"]) for _ in range(20)])
    assert _processor_s(lambda: [Params.model_validate_json(long) for _ in range(200)]) < twenty_s


def _processor_s(work: Callable[[], object]) -> float:
    started_s = time.process_time()
    work()
    return time.process_time() - started_s


def test_languages_of_two_letters_become_three() -> None:
    tracks = [{"subtitles": FILE, "language": code} for code in ("pt", "por", "zz"[:1] + "ho")]
    params = asked(subtitles=None, mode="soft", tracks=tracks)
    assert [track.language for track in params.tracks] == ["por", "por", "zho"]


def test_a_lone_file_is_a_track_that_is_shown() -> None:
    [track] = asked(mode="soft").all_tracks
    assert (track.subtitles, track.default, track.forced) == (FILE, True, False)


def test_the_file_is_a_video_or_a_picture() -> None:
    assert [slot.filename for slot in OPERATION.slots(asked())] == ["video.mp4"]
    assert [slot.filename for slot in OPERATION.slots(asked(preview_at_s=1))] == ["preview.jpg"]
    costs = [OPERATION.cost_s(params) for params in (asked(preview_at_s=1), asked(mode=Mode.SOFT), asked())]
    assert costs == sorted(costs)


def test_characters_that_no_font_has_are_warned_of_where_they_would_be_drawn() -> None:
    [warning] = OPERATION.warnings(asked(subtitles=srt("漢字 a")))
    assert (warning.pointer, warning.code) == ("/subtitles", "missing-glyphs")
    assert warning.detail == "No font here has 字 (U+5B57), 漢 (U+6F22): each is drawn as an empty box."
    assert len(OPERATION.warnings(asked(subtitles=srt("漢"), preview_at_s=1))) == 1
    track = {"subtitles": srt("漢")}
    others: tuple[dict[str, Any], ...] = (
        {},
        {"subtitles": srt("olá 😀")},
        {"subtitles": srt("漢"), "mode": "soft"},
        {"subtitles": None, "tracks": [track], "mode": "soft"},
    )
    assert [OPERATION.warnings(asked(**fields)) for fields in others] == [()] * len(others)
