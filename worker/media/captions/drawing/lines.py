"""Where the text of a cue is broken: into screens shown one after the other, each of a few balanced lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from worker.media.captions.reading.cue import Word

Line = tuple[Word, ...]
Screen = tuple[Line, ...]

_AFTER_PUNCTUATION = 0.04
"""How much a break is preferred after a comma or a full stop, beside the square of the room left in a line."""
_PUNCTUATION = (".", ",", "!", "?", ";", ":", "…", "،", "؟", "؛")
_PER_LINE = 1000.0


@dataclass(frozen=True, slots=True)
class Room:
    """What fits: a line's width in ems, its words and characters, and lines at once."""

    width: float
    max_words: int
    max_characters: int
    max_lines: int
    as_written: bool
    """Whether the file's own breaks are kept where they fit."""


def screens(words: Sequence[Word], room: Room, width: Callable[[str], float]) -> list[Screen]:
    """Return the words in lines; one that is wider than the room for it stands in a line of its own."""
    if room.as_written and _fits(written := _as_written(words), room, width):
        return [written]
    lines = _balanced(words, room, width)
    count = -(-len(lines) // room.max_lines)
    return [tuple(lines[_nth(n, count, len(lines)) : _nth(n + 1, count, len(lines))]) for n in range(count)]


def _nth(n: int, parts: int, whole: int) -> int:
    return -(-n * whole // parts)


def text_of(line: Sequence[Word]) -> str:
    """Return a line as it is written."""
    return " ".join(word.text for word in line)


def _as_written(words: Sequence[Word]) -> Screen:
    lines: list[list[Word]] = [[]]
    for word in words:
        lines[-1].append(word)
        if word.ends_line:
            lines.append([])
    return tuple(tuple(line) for line in lines if line)


def _fits(screen: Screen, room: Room, width: Callable[[str], float]) -> bool:
    return len(screen) <= room.max_lines and all(
        len(line) <= room.max_words and len(text_of(line)) <= room.max_characters and width(text_of(line)) <= room.width
        for line in screen
    )


def _balanced(words: Sequence[Word], room: Room, width: Callable[[str], float]) -> list[Line]:
    """Return as few lines as can be, of widths as alike as can be (the method of Knuth and Plass, without hyphens)."""
    widths = [width(word.text) for word in words]
    space = width(" ")
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(words) + 1):
        taken, characters, found = 0.0, 0, (float("inf"), end - 1)
        for start in range(end - 1, -1, -1):
            taken += widths[start] + (space if start < end - 1 else 0.0)
            characters += len(words[start].text) + (start < end - 1)
            fits = taken <= room.width and characters <= room.max_characters and end - start <= room.max_words
            if not fits and start < end - 1:
                break
            cost = best[start][0] + _PER_LINE + _slack(taken, room.width) - _bonus(words[end - 1])
            found = min(found, (cost, start))
        best.append(found)
    lines: list[Line] = []
    end = len(words)
    while end:
        start = best[end][1]
        lines.append(tuple(words[start:end]))
        end = start
    return lines[::-1]


def _slack(taken: float, room: float) -> float:
    return max(0.0, 1 - taken / room) ** 2


def _bonus(word: Word) -> float:
    return _AFTER_PUNCTUATION if word.text.endswith(_PUNCTUATION) else 0.0
