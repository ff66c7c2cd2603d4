"""Where lines are broken: evenly, and among breaks that are nearly as even, where a reader would pause."""

import pytest

from worker.media.captions.drawing.lines import Room, screens, text_of
from worker.media.captions.reading.cue import Word

WIDE, NARROW = 40.0, 11.0
"""In ems: of small letters on a wide frame, and of usual ones on an upright frame."""


def broken(text: str, width: float, **room: int) -> list[str]:
    """Return the screens, with a stroke for each line's end; letters are half an em wide."""
    fitting = {"max_words": 50, "max_characters": 42, "max_lines": 2} | room
    words = [Word(word, 0, 0) for word in text.split()]
    found = screens(words, Room(width=width, as_written=False, **fitting), lambda part: len(part) / 2)
    return [" / ".join(text_of(line) for line in screen) for screen in found]


@pytest.mark.parametrize("width", [15.0, 20.0, 30.0, WIDE, 80.0])
def test_lines_are_filled_evenly_however_small_the_letters_are(width: float) -> None:
    assert broken('Última linha: vovô e pinguim 100% & "aspas"', width) == [
        'Última linha: vovô / e pinguim 100% & "aspas"'
    ]


def test_no_more_lines_are_made_than_are_needed() -> None:
    assert broken("one two three four", WIDE) == ["one two three four"]
    assert broken(" ".join(["word"] * 12), WIDE) == [" / ".join([" ".join(["word"] * 6)] * 2)]
    assert broken("Aaaa bbbb cccc dddd", WIDE, max_words=3) == ["Aaaa bbbb / cccc dddd"]


def test_a_break_after_a_comma_is_taken_where_it_is_nearly_as_even() -> None:
    assert broken("Wait for me over there, and then we will see the lions", WIDE) == [
        "Wait for me over there, / and then we will see the lions"
    ]
    assert broken("Oh, what I have to tell you will surprise all of them", WIDE)[0][:3] != "Oh, /"


def test_no_screen_ends_on_a_short_word_that_belongs_to_the_next() -> None:
    text = "Um filme de aventura e paixão: tudo em um só vídeo incrível"
    assert broken(text, NARROW) == ["Um filme de / aventura e paixão:", "tudo em um só / vídeo incrível"]
    assert broken("One two: every word has its own time and none is ever broken", NARROW + 1) == [
        "One two: every word / has its own time",
        "and none is ever broken",
    ]


def test_a_short_word_ends_a_line_where_the_next_has_no_room_for_it() -> None:
    assert broken("wonderfulness in extraordinariness", 9) == ["wonderfulness in / extraordinariness"]


def test_a_word_that_is_wider_than_the_room_stands_alone() -> None:
    assert broken("a " + "b" * 50 + " c", NARROW) == ["a / " + "b" * 50, "c"]
