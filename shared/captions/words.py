"""Words with their times as JSON: a list of them, or an object with `words` or `segments`, as recognisers write it."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.errors import SubtitleLimits, SubtitleSyntax

MAX_WORDS = 50_000
MAX_SECONDS = 360_000.0


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word, or a whole phrase, and when it is said."""

    text: str
    start_ms: int
    end_ms: int
    segment: int
    """Which segment it stands in; words of one belong together."""
    phrase: bool = False
    """A segment without times of its words."""


def spoken(text: str) -> list[SpokenWord]:
    """Return the words in order; SubtitleSyntax saying which one is wrong, or SubtitleLimits."""
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        raise SubtitleSyntax("The words are not valid JSON.") from None
    words: list[SpokenWord] = []
    for word in _words(document):
        if words and word.start_ms < words[-1].start_ms:
            raise SubtitleSyntax(f"The words are not in order at {word.start_ms / 1000:g} s.")
        words.append(word)
        if len(words) > MAX_WORDS:
            raise SubtitleLimits(f"At most {MAX_WORDS} words are taken.")
    return words


def _words(document: Any) -> Iterator[SpokenWord]:
    match document:
        case [*entries] | {"words": [*entries]}:
            for n, entry in enumerate(entries):
                yield _word(entry, f"words[{n}]", 0)
        case {"segments": [*segments]}:
            for n, segment in enumerate(segments):
                yield from _segment(segment, n)
        case _:
            raise SubtitleSyntax("Words JSON is a list of words, or an object with `words` or `segments`.")


def _segment(segment: Any, n: int) -> Iterator[SpokenWord]:
    match segment:
        case {"words": [_, *_] as entries}:
            for m, entry in enumerate(entries):
                yield _word(entry, f"segments[{n}].words[{m}]", n)
        case _:
            yield _word(segment, f"segments[{n}]", n, phrase=True)


def _word(entry: Any, where: str, segment: int, *, phrase: bool = False) -> SpokenWord:
    if not isinstance(entry, dict):
        raise SubtitleSyntax(f"{where} is no object with word, start and end.")
    text = entry.get("word", entry.get("text"))
    if not isinstance(text, str):
        raise SubtitleSyntax(f"{where} has no text under `word` or `text`.")
    start_ms, end_ms = (_milliseconds(entry.get(name), f"{where}.{name}") for name in ("start", "end"))
    if end_ms < start_ms:
        raise SubtitleSyntax(f"{where} ends before it begins.")
    return SpokenWord(text, start_ms, end_ms, segment, phrase)


def _milliseconds(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 <= value < MAX_SECONDS):
        raise SubtitleSyntax(f"{where} is no time in seconds.")
    return math.floor(value * 1000 + 0.5)
