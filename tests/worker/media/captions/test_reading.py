"""From bytes in any format and encoding to words with times."""

import codecs

import pytest

from shared.captions.appearance import Anchor, Appearance
from shared.errors import JobError, MediaEmpty, SubtitleLimits, SubtitleSyntax
from tests.shared.captions.written import ass, srt
from worker.media.captions.reading.cue import Cue
from worker.media.captions.reading.read import MAX_CUE_CHARACTERS, from_bytes, from_text
from worker.media.captions.reading.wording import reworded


def only(text: str) -> Cue:
    [cue] = from_text(text).cues
    return cue


def said(cue: Cue) -> str:
    return " ".join(word.text for word in cue.words)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (srt("olá ção").encode(), "utf-8"),
        (codecs.BOM_UTF8 + srt("olá ção").encode(), "utf-8"),
        (codecs.BOM_UTF16_LE + srt("olá ção").encode("utf-16-le"), "utf-16-le"),
        (codecs.BOM_UTF16_BE + srt("olá ção").encode("utf-16-be"), "utf-16-be"),
        (srt("olá ção").encode("utf-16-le"), "utf-16-le"),
        (srt("olá ção").encode("utf-16-be"), "utf-16-be"),
        (srt("olá ção").encode("cp1252"), "cp1252"),
    ],
)
def test_the_encoding_is_found_by_rule(content: bytes, encoding: str) -> None:
    read = from_bytes(content)
    assert (said(read.cues[0]), read.encoding) == ("olá ção", encoding)


def test_characters_that_steer_are_removed_and_counted() -> None:
    read = from_text(srt("a\x00b \u202egnp.exe\u202c \x07\u2066c\u2069"))
    assert said(read.cues[0]) == "ab gnp.exe c"
    assert read.changes == {"direction-marks-removed": 4, "control-characters-removed": 1}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", MediaEmpty),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), SubtitleSyntax),
        (b"<html>not found</html>", SubtitleSyntax),
        (bytes(10_000), SubtitleSyntax),
        (b"\xff" * 10_000, SubtitleSyntax),
        (b"\xff\xfe" + b"\xd8" * 9_999, SubtitleSyntax),
        (srt("x" * (MAX_CUE_CHARACTERS + 1)).encode(), SubtitleLimits),
        (srt("{\\an8}", "<i></i>").encode(), SubtitleSyntax),
        (b"x" * (5 << 20), SubtitleLimits),
    ],
)
def test_what_is_no_subtitles_is_a_typed_error(content: bytes, error: type[JobError]) -> None:
    with pytest.raises(error):
        from_bytes(content)


def test_times_within_a_text_are_no_cues_of_their_own() -> None:
    two = "WEBVTT\n\n00:01.000 --> 00:03.000\nOh <00:00:01.500><c>Hello</c> <00:00:02.000><c>world</c>\n"
    [cue] = from_text(two).cues
    assert [(word.text, word.start_ms) for word in cue.words] == [("Oh", 1000), ("Hello", 1500), ("world", 2000)]
    spoken_of = "von 10:00:00,5 bis 11:00:00,5"
    [cue] = from_text(srt(spoken_of)).cues
    assert said(cue) == spoken_of


def test_more_words_than_can_be_laid_out_in_time_are_refused() -> None:
    cues = "".join(
        f"{n}\n00:{n // 60:02d}:{n % 60:02d},000 --> 00:{n // 60:02d}:{n % 60:02d},900\n{'a ' * 480}\n\n"
        for n in range(105)
    )
    with pytest.raises(SubtitleLimits, match="50000 words"):
        from_text(cues)


def test_words_without_times_share_the_cue_s_by_their_length() -> None:
    cue = only("1\n00:00:00,000 --> 00:00:01,000\na bcdefg\n")
    assert [(word.text, word.start_ms, word.end_ms) for word in cue.words] == [("a", 0, 222), ("bcdefg", 222, 1000)]


def test_a_web_vtt_s_own_times_and_entities_are_used_and_its_notes_are_not_shown() -> None:
    read = from_text(
        "WEBVTT\n\nNOTE first\n\nSTYLE\n::cue { color: red }\n\nname\n00:01.000 --> 00:03.000 align:left\n"
        "<v Ann>Tom &amp; <00:00:02.000><c.yellow>Jerry</c>\n\n"
        "NOTE later\nnot shown\n\n00:04.000 --> 00:05.000\n&lt;b&gt;\n"
    )
    assert [said(cue) for cue in read.cues] == ["Tom & Jerry", "<b>"]
    assert [word.start_ms for word in read.cues[0].words] == [1000, 1666, 2000]


def test_syllables_of_ass_time_the_words() -> None:
    cue = only(ass(r"{\k50}Hel{\kf30}lo {\K40}you"))
    assert [(word.text, word.start_ms) for word in cue.words] == [("Hello", 1000), ("you", 1800)]


def test_the_plainest_look_is_kept_and_all_else_is_removed() -> None:
    bomb = (
        r"{\fn/etc/passwd\fs900\blur50\bord900\t(0,1000,\fscx9000\c&H0000FF&)\pos(1,2)\clip(m 0 0)\b1\i1\c&H0000FF&}Hi"
    )
    read = from_text(ass(bomb))
    [word] = read.cues[0].words
    assert word.text == "Hi"
    assert (word.look.bold, word.look.italic, word.look.colour) == (True, True, "#FF0000")
    assert read.changes == {"overrides-removed": 7}


def test_drawings_and_embedded_fonts_are_removed() -> None:
    drawing = "{\\p1}m 0 0 " + "l 5 5 " * 200_000 + "{\\p0}"
    text = ass(f"before {drawing}after").replace("[Events]", "[Fonts]\nfontname: evil.ttf\n!!!!\n\n[Events]")
    read = from_text(text)
    assert said(read.cues[0]) == "before after"
    assert read.changes == {"drawings-removed": 1, "fonts-removed": 1}


def test_styles_and_places_of_ass_are_taken_as_far_as_they_go() -> None:
    aside = only(ass("psst", "Aside"))
    assert aside.anchor is Anchor.TOP
    assert (aside.words[0].look.italic, aside.words[0].look.colour) == (True, "#FFFF00")
    assert only(ass(r"{\an7}x")).anchor is Anchor.TOP_LEFT
    assert only(ass("x")).anchor is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"a{\b1", r"a{\b1"),
        ("{x} <3 a<b", "{x} <3 a<b"),
        ("<i>x", "x"),
        ("<font color='#00ff00'>x</font>", "x"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("{\\an8}up", "up"),
        (r"C:\temp\new\hot", r"C:\temp\new\hot"),
    ],
)
def test_srt_s_own_signs_are_text_unless_they_are_markup(text: str, words: str) -> None:
    assert said(only(srt(text))) == words


def test_spoken_words_become_cues_at_pauses_and_ends_of_sentences() -> None:
    read = from_text(
        '[{"word": " Hi", "start": 0, "end": 0.4}, {"word": " there.", "start": 0.4, "end": 1},'
        '{"text": "Next", "start": 1, "end": 1.3}, {"text": "later", "start": 3, "end": 3.5}]'
    )
    assert [(said(cue), cue.start_ms, cue.end_ms) for cue in read.cues] == [
        ("Hi there.", 0, 1000), ("Next", 1000, 1300), ("later", 3000, 3500)
    ]  # fmt: skip


def test_segments_without_words_are_timed_and_kept_apart() -> None:
    read = from_text(
        '{"segments": [{"text": " one two", "start": 0, "end": 1}, {"text": "three", "start": 1, "end": 2}]}'
    )
    assert [said(cue) for cue in read.cues] == ["one two", "three"]
    assert read.cues[0].words[1].start_ms == 500


def wished(text: str, **wishes: object) -> str:
    return " / ".join(said(cue) for cue in reworded(from_text(srt(text)).cues, Appearance.model_validate(wishes)))


def test_words_are_replaced_masked_and_set_in_other_letters() -> None:
    rules = [{"find": "new york", "put": "NYC"}, {"find": "uh", "put": ""}, {"find": "a.b", "put": r"\1"}]
    assert wished("Uh, in New\nYork, uh yes: a.b axb", replace=rules) == r", in NYC, yes: \1 axb"
    assert wished("Damn! damned DAMN it", mask=["damn"]) == "D***! damned D*** it"
    assert wished("straße Ünder", letter_case="upper") == "STRASSE ÜNDER"
    assert wished("the end of it", letter_case="title") == "The End Of It"
    assert wished("uh", replace=[{"find": "uh", "put": ""}]) == ""


def test_what_is_put_has_the_time_of_what_it_stands_for() -> None:
    [cue] = reworded(
        from_text(srt("aa bb cc")).cues, Appearance.model_validate({"replace": [{"find": "bb", "put": "x y"}]})
    )
    times = [(word.text, word.start_ms, word.end_ms) for word in cue.words]
    assert times == [("aa", 1000, 1666), ("x", 1666, 1999), ("y", 1999, 2333), ("cc", 2333, 3000)]
