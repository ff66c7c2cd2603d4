"""What stands where: words in the pieces that they are drawn in, lines, and screens of them, in pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from worker.media.captions.drawing.faces import Typeface
from worker.media.captions.drawing.levels import in_order
from worker.media.captions.reading.cue import Word

Spans = Sequence[tuple[int, int]]
_TOUCHING_PX = 0.01


@dataclass(frozen=True, slots=True)
class Piece:
    """Letters of a word that run one way, and the middle of their box: a quote may stand apart from its word."""

    text: str
    x: float
    width: float
    leftwards: bool

    @property
    def left(self) -> float:
        """Its left edge."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word and its pieces as they are read, and from when until when it is the one that is said.

    `x` is the middle of what stands together, `width` wide; of what is torn apart, the widest.
    """

    word: Word
    x: float
    y: float
    width: float
    start_ms: int
    end_ms: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line, its words as they are said, and the middle of its box."""

    words: tuple[PlacedWord, ...]
    x: float
    y: float
    width: float
    text: str

    @property
    def leftwards(self) -> bool | None:
        """Whether it runs to the left; None where parts of it run either way."""
        ways = {piece.leftwards for word in self.words for piece in word.pieces}
        return ways.pop() if len(ways) == 1 else None


@dataclass(frozen=True, slots=True)
class PlacedScreen:
    """What is shown together, and from when until when. `size` is that of its letters, in pixels."""

    lines: tuple[PlacedLine, ...]
    start_ms: int
    end_ms: int
    size: float
    directed: bool
    """Whether anything in it runs to the left, so that directions must be told."""

    @property
    def words(self) -> Iterator[PlacedWord]:
        """Every word, as they are said."""
        return (word for line in self.lines for word in line.words)


@dataclass(frozen=True, slots=True)
class Row:
    """A line's left end, its width and its middle, and what its letters are."""

    left: float
    width: float
    middle: float
    size: float
    typeface: Typeface

    def line(self, words: Sequence[Word], levels: Sequence[int], spans: Spans) -> PlacedLine:
        """Place the words by the level of each letter and space between."""
        found = self._pieces(list(_parts(words, levels)), len(words))
        placed = tuple(self._word(word, span, pieces) for word, span, pieces in zip(words, spans, found, strict=True))
        text = " ".join(word.text for word in words)
        return PlacedLine(placed, self.left + self.width / 2, self.middle, self.width, text)

    def _pieces(self, parts: Sequence["_Part"], words: int) -> list[dict[int, Piece]]:
        """Return each word's pieces from left to right, by their place in reading."""
        found: list[dict[int, Piece]] = [{} for _ in range(words)]
        at = self.left
        for n in in_order([part.level for part in parts]):
            part = parts[n]
            width = self.typeface.width(part.text) * self.size
            if part.word is not None:
                found[part.word][n] = Piece(part.text, at + width / 2, width, part.level % 2 == 1)
            at += width
        return found

    def _word(self, word: Word, span: tuple[int, int], found: dict[int, Piece]) -> PlacedWord:
        left, right = _widest(list(found.values()))
        pieces = tuple(found[n] for n in sorted(found))
        return PlacedWord(word, (left + right) / 2, self.middle, right - left, *span, pieces)


@dataclass(frozen=True, slots=True)
class _Part:
    """Letters of one word, or a space, on one level."""

    text: str
    level: int
    word: int | None


def _parts(line: Sequence[Word], levels: Sequence[int]) -> Iterator[_Part]:
    """Cut a line between its words and where the level changes."""
    at = 0
    for n, word in enumerate(line):
        if n:
            yield _Part(" ", levels[at], None)
            at += 1
        start = 0
        for level, run in groupby(levels[at : at + len(word.text)]):
            end = start + sum(1 for _ in run)
            yield _Part(word.text[start:end], level, n)
            start = end
        at += len(word.text)


def _widest(pieces: Sequence[Piece]) -> tuple[float, float]:
    """Return from where to where the widest of those reaches that touch each other."""
    spans = [[pieces[0].left, pieces[0].right]]
    for piece in pieces[1:]:
        if piece.left - spans[-1][1] < _TOUCHING_PX:
            spans[-1][1] = piece.right
        else:
            spans.append([piece.left, piece.right])
    left, right = max(spans, key=lambda span: span[1] - span[0])
    return left, right
