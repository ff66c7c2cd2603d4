"""Where everything stands on the frame: each screen's lines, each line's words, in pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shared.captions.appearance import MAX_SIZE_PERCENT, Anchor, Appearance, Style
from shared.captions.safe_areas import insets
from worker.media.captions.drawing.direction import Direction, direction, left_to_right, runs_right_to_left
from worker.media.captions.drawing.faces import ASCENT, DESCENT, Typeface
from worker.media.captions.drawing.lines import Room, Screen, screens, text_of
from worker.media.captions.reading.cue import Cue, Word

LINE_HEIGHT = 1.3
"""From baseline to baseline, in ems."""
CENTRE_ABOVE_BASELINE = (ASCENT - DESCENT) / 2
"""In ems; where a line of libass has its middle, which is that of capital letters too."""
_USUAL_PERCENT = 6.0
_NARROW_PERCENT = 7.0
"""Of the width, in a frame that is higher than wide."""
_LARGER = {Style.WORD: 1.5, Style.POP: 1.35}
_USUAL_CHARACTERS = 42
"""A line as broadcasters have it."""
_FEW_WORDS = {Style.WORD: 1, Style.POP: 3}
_AS_WRITTEN = (Style.CLASSIC, Style.KARAOKE, Style.HIGHLIGHT, Style.BOX, Style.UNDERLINE, Style.TYPEWRITER)
_OVERLAP_MS = 250
"""Cues that overlap by less were meant to follow each other."""


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word and the middle of its box on the frame, and from when until when it is the one that is said."""

    word: Word
    x: float
    y: float
    width: float
    start_ms: int
    end_ms: int
    leftwards: bool


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line, its words as they are said, and the middle of its box."""

    words: tuple[PlacedWord, ...]
    x: float
    y: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class PlacedScreen:
    """What is shown together, and from when until when. `size` is that of its letters, in pixels."""

    lines: tuple[PlacedLine, ...]
    start_ms: int
    end_ms: int
    size: float
    leftwards: bool
    directed: bool
    """Whether anything in it runs to the left, so that directions must be told."""

    @property
    def words(self) -> Iterator[PlacedWord]:
        """Every word, as they are said."""
        return (word for line in self.lines for word in line.words)


@dataclass(slots=True)
class Layout:
    """Places cues on frames of one size."""

    width: int
    height: int
    asked: Appearance
    typeface: Typeface
    overlaps: int = 0
    """How many cues were cut short where the next one began."""
    _taken: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def size(self) -> float:
        """The text's size in pixels: of its em."""
        font = self.asked.font
        if font.size_px is not None:
            return min(float(font.size_px), self.height * MAX_SIZE_PERCENT / 100)
        if font.size_percent is not None:
            return self.height * font.size_percent / 100
        usual = min(self.height * _USUAL_PERCENT, self.width * _NARROW_PERCENT) / 100
        return usual * _LARGER.get(self.asked.style, 1.0)

    def placed(self, cues: Sequence[Cue]) -> Iterator[PlacedScreen]:
        """Yield the screens of cues that are in the order of time."""
        for n, cue in enumerate(cues):
            end_ms = cue.end_ms
            if n + 1 < len(cues) and 0 < end_ms - cues[n + 1].start_ms < min(_OVERLAP_MS, end_ms - cue.start_ms):
                end_ms = cues[n + 1].start_ms
                self.overlaps += 1
            room = self._room()
            found = screens(cue.words, room, self.typeface.width)
            starts = [cue.start_ms, *(screen[0][0].start_ms for screen in found[1:]), end_ms]
            for screen, start_ms, until_ms in zip(found, starts, starts[1:], strict=False):
                if until_ms > start_ms:
                    yield self._place(screen, start_ms, until_ms, cue)

    def _room(self) -> Room:
        lines, style = self.asked.lines, self.asked.style
        asked = lines.max_words is not None or lines.max_characters is not None
        left, right, _, _ = self._area()
        return Room(
            width=(right - left) / self.size,
            max_words=lines.max_words or _FEW_WORDS.get(style, 50),
            max_characters=lines.max_characters or _USUAL_CHARACTERS,
            max_lines=1 if style in _FEW_WORDS else lines.max_lines,
            as_written=style in _AS_WRITTEN and not asked,
        )

    def _area(self) -> tuple[float, float, float, float]:
        """Return left, right, top and bottom of where text may stand."""
        position, inset = self.asked.position, insets(self.asked.position.safe_area)
        x, y = position.margin_x_percent / 100, position.margin_y_percent / 100
        return (
            self.width * max(x, inset.left),
            self.width * (1 - max(x, inset.right)),
            self.height * max(y, inset.top),
            self.height * (1 - max(y, inset.bottom)),
        )

    def _place(self, screen: Screen, start_ms: int, end_ms: int, cue: Cue) -> PlacedScreen:
        left, right, _, _ = self._area()
        widest = max(self.typeface.width(text_of(line)) for line in screen) * self.size
        size = self.size * min(1.0, (right - left) / widest)
        anchor = self._anchor(cue)
        directions = {direction(word.text) for word in cue.words}
        leftwards = runs_right_to_left(text_of(cue.words))
        top = self._top(len(screen) * LINE_HEIGHT * size, self._between(size), (anchor, start_ms, end_ms))
        spans = _spans([word for line in screen for word in line], end_ms)
        lines = []
        for n, line in enumerate(screen):
            widths = [self.typeface.width(word.text) * size for word in line]
            space = self.typeface.width(" ") * size
            whole = sum(widths) + space * (len(line) - 1)
            row = _Row(self._left(whole, anchor), top + (n + 0.5) * LINE_HEIGHT * size, space, leftwards)
            placed = row.words(line, widths, [next(spans) for _ in line])
            lines.append(PlacedLine(placed, row.left + whole / 2, row.middle, whole, text_of(line)))
        directed = leftwards or Direction.RIGHT_TO_LEFT in directions
        return PlacedScreen(tuple(lines), start_ms, end_ms, size, leftwards, directed)

    def _anchor(self, cue: Cue) -> Anchor:
        position = self.asked.position
        told = cue.anchor if position.x is None and position.y is None else None
        return position.anchor or told or Anchor.BOTTOM

    def _between(self, size: float) -> float:
        """Return how far blocks that are shown at once stand apart: so that the boxes behind them don't meet."""
        return 0.0 if self.asked.colours.background is None else size * self.asked.edges.padding_percent / 80

    def _top(self, height: float, between: float, place: tuple[Anchor, int, int]) -> float:
        """Return where a block of lines begins, clear of those that are still shown."""
        anchor, start_ms, end_ms = place
        _, _, top, bottom = self._area()
        at = self.asked.position.y
        if anchor.value.startswith("top"):
            found, step = (top if at is None else at * self.height), 1
        elif anchor.value.startswith("bottom"):
            found, step = (bottom if at is None else at * self.height) - height, -1
        else:
            found, step = ((top + bottom) / 2 if at is None else at * self.height) - height / 2, 1
        self._taken = [taken for taken in self._taken if taken[0] > start_ms]
        for _, upper, lower in sorted(self._taken, key=lambda taken: taken[1] * step):
            if found < lower + between and upper < found + height + between:
                found = lower + between if step > 0 else upper - height - between
        self._taken.append((end_ms, found, found + height))
        return found

    def _left(self, width: float, anchor: Anchor) -> float:
        left, right, _, _ = self._area()
        at = self.asked.position.x
        if anchor.value.endswith("left"):
            return left if at is None else at * self.width
        if anchor.value.endswith("right"):
            return (right if at is None else at * self.width) - width
        return ((left + right) / 2 if at is None else at * self.width) - width / 2


@dataclass(frozen=True, slots=True)
class _Row:
    """A line's left end, its middle, and the room between words."""

    left: float
    middle: float
    space: float
    leftwards: bool

    def words(
        self, line: Sequence[Word], widths: Sequence[float], spans: Sequence[tuple[int, int]]
    ) -> tuple[PlacedWord, ...]:
        """Place the words by the direction of each; they are returned as they are said."""
        directions = [direction(word.text) for word in line]
        lefts = [0.0] * len(line)
        at = self.left
        for n in left_to_right(range(len(line)), directions, leftwards=self.leftwards):
            lefts[n] = at
            at += widths[n] + self.space
        return tuple(
            PlacedWord(word, lefts[n] + widths[n] / 2, self.middle, widths[n], *spans[n], _to_left(directions[n]))
            for n, word in enumerate(line)
        )


def _to_left(one: Direction) -> bool:
    return one is Direction.RIGHT_TO_LEFT


def _spans(words: Sequence[Word], end_ms: int) -> Iterator[tuple[int, int]]:
    """Yield from when until when each word is the one that is said: until the next one begins."""
    ends = [*(word.start_ms for word in words[1:]), end_ms]
    return ((word.start_ms, max(until, word.start_ms)) for word, until in zip(words, ends, strict=True))
