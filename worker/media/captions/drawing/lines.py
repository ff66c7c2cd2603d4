"""Where the text of a cue is broken: into screens shown one after the other, each of a few balanced lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from worker.media.captions.reading.cue import Word

Line = tuple[Word, ...]
Screen = tuple[Line, ...]

_AFTER_PUNCTUATION, _AFTER_SHORT = -0.05, 0.06
"""What a break costs after a comma or a full stop, and after a word such as "of" or "que", which belongs to the next;
beside the square of how far a line is from the usual width, as a part of that."""
_BEFORE_NEXT_SCREEN = 0.2
"""What the latter costs where a screen would else end on such a word."""
_SHORT = 3
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
    measured = _measured(words, room, width)
    least = measured.least_lines()
    found = _shared_out(_balanced(measured, least), room.max_lines)
    if not _torn(found):
        return found
    # Less even, and where that takes no more screens, in a line more.
    others = [_balanced(measured, least, after_short=_BEFORE_NEXT_SCREEN)]
    if least % room.max_lines:
        others.append(_balanced(measured, least + 1, line_cost=0.0))
    ways = (_shared_out(lines, room.max_lines) for lines in others)
    return next((way for way in ways if len(way) == len(found) and not _torn(way)), found)


def _shared_out(lines: Sequence[Line], max_lines: int) -> list[Screen]:
    count = -(-len(lines) // max_lines)
    return [tuple(lines[_nth(n, count, len(lines)) : _nth(n + 1, count, len(lines))]) for n in range(count)]


def _torn(found: Sequence[Screen]) -> bool:
    """Return whether a screen ends on a word that belongs to the next."""
    return any(_is_short(screen[-1][-1]) for screen in found[:-1])


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


@dataclass(frozen=True, slots=True)
class _Measured:
    """Words and how far each reaches in a line of all of them, in ems and in characters, with a space after it."""

    words: Sequence[Word]
    room: Room
    reach: Sequence[float]
    characters: Sequence[int]
    space: float

    def width(self, start: int, end: int) -> float:
        """Return how wide a line of these words is."""
        return self.reach[end] - self.reach[start] - self.space

    def fits(self, start: int, end: int) -> bool:
        """Return whether these words may be a line."""
        characters = self.characters[end] - self.characters[start] - 1
        return end - start == 1 or (
            self.width(start, end) <= self.room.width
            and characters <= self.room.max_characters
            and end - start <= self.room.max_words
        )

    def least_lines(self) -> int:
        """Return into how few lines they go: as many words in each as fit."""
        lines, start = 1, 0
        for end in range(1, len(self.words) + 1):
            if not self.fits(start, end):
                lines, start = lines + 1, end - 1
        return lines


def _measured(words: Sequence[Word], room: Room, width: Callable[[str], float]) -> _Measured:
    space = width(" ")
    reach = accumulate((width(word.text) + space for word in words), initial=0.0)
    characters = accumulate((len(word.text) + 1 for word in words), initial=0)
    return _Measured(words, room, list(reach), list(characters), space)


def _balanced(
    measured: _Measured, lines: int, *, line_cost: float = _PER_LINE, after_short: float = _AFTER_SHORT
) -> list[Line]:
    """Return about so many lines, of widths as alike as can be (the method of Knuth and Plass, without hyphens).

    With the usual cost of a line there are as few of them as can be.
    """
    words = measured.words
    usual = measured.width(0, len(words)) / lines
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(words) + 1):
        found = (float("inf"), end - 1)
        for start in range(end - 1, -1, -1):
            if not measured.fits(start, end):
                break
            cost = best[start][0] + line_cost + (measured.width(start, end) / usual - 1) ** 2
            found = min(found, (cost, start))
        best.append((found[0] + _break_after(words[end - 1], after_short), found[1]))
    found_lines: list[Line] = []
    end = len(words)
    while end:
        start = best[end][1]
        found_lines.append(tuple(words[start:end]))
        end = start
    return found_lines[::-1]


def _break_after(word: Word, after_short: float) -> float:
    """Return what it costs to end a line with this word; that the last one does is the same for all ways."""
    if word.text.endswith(_PUNCTUATION):
        return _AFTER_PUNCTUATION
    return after_short if _is_short(word) else 0.0


def _is_short(word: Word) -> bool:
    return len(word.text) <= _SHORT and (word.text.isalpha() or word.text == "&")
