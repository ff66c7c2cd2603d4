"""Where everything stands on the frame: each screen's lines, each line's words, in pixels."""

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from shared.captions.appearance import MAX_SIZE_PERCENT, Anchor, Appearance, Style
from worker.media.captions.drawing.area import Area, Blocks, inside, usual
from worker.media.captions.drawing.direction import has_right_to_left, runs_right_to_left
from worker.media.captions.drawing.faces import ASCENT, DESCENT, Typeface
from worker.media.captions.drawing.levels import levels
from worker.media.captions.drawing.lines import Room, Screen, screens, text_of
from worker.media.captions.drawing.placed import PlacedLine, PlacedScreen, Row
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
_MOVED_PX = 1.0
"""What nobody sees is not told of."""


@dataclass
class Layout:
    """Places cues on frames of one size."""

    width: int
    height: int
    asked: Appearance
    typeface: Typeface
    overlaps: int = 0
    """How many cues were cut short where the next one began."""
    moved: int = 0
    """How many screens were asked for where they would have been cut off, and were moved."""
    _blocks: Blocks = field(init=False)

    def __post_init__(self) -> None:
        background = self.asked.colours.background is not None
        between = self.size * self.asked.edges.padding_percent / 80 if background else 0.0
        self._blocks = Blocks(self._inside, between)  # so that the boxes behind them don't meet

    @cached_property
    def size(self) -> float:
        """The text's size in pixels: of its em."""
        font = self.asked.font
        if font.size_px is not None:
            return min(float(font.size_px), self.height * MAX_SIZE_PERCENT / 100)
        if font.size_percent is not None:
            return self.height * font.size_percent / 100
        usual_size = min(self.height * _USUAL_PERCENT, self.width * _NARROW_PERCENT) / 100
        return usual_size * _LARGER.get(self.asked.style, 1.0)

    @cached_property
    def _inside(self) -> Area:
        return inside(self.width, self.height, self.size, self.asked)

    @cached_property
    def _usual(self) -> Area:
        return usual(self.width, self.height, self._inside, self.asked)

    def placed(self, cues: Sequence[Cue]) -> Iterator[PlacedScreen]:
        """Yield the screens of cues that are in the order of time."""
        room = self._room()
        for n, cue in enumerate(cues):
            end_ms = cue.end_ms
            if n + 1 < len(cues) and 0 < end_ms - cues[n + 1].start_ms < min(_OVERLAP_MS, end_ms - cue.start_ms):
                end_ms = cues[n + 1].start_ms
                self.overlaps += 1
            found = screens(cue.words, room, self.typeface.width)
            starts = [cue.start_ms, *(screen[0][0].start_ms for screen in found[1:]), end_ms]
            for screen, start_ms, until_ms in zip(found, starts, starts[1:], strict=False):
                if until_ms > start_ms:
                    yield self._place(screen, start_ms, until_ms, cue)

    def _room(self) -> Room:
        lines, style = self.asked.lines, self.asked.style
        asked = lines.max_words is not None or lines.max_characters is not None
        on_the_frame = max(1, int(self._inside.height / (LINE_HEIGHT * self.size)))
        return Room(
            width=self._usual.width / self.size,
            max_words=lines.max_words or _FEW_WORDS.get(style, 50),
            max_characters=lines.max_characters or _USUAL_CHARACTERS,
            max_lines=1 if style in _FEW_WORDS else min(lines.max_lines, on_the_frame),
            as_written=style in _AS_WRITTEN and not asked,
        )

    def _place(self, screen: Screen, start_ms: int, end_ms: int, cue: Cue) -> PlacedScreen:
        anchor = self._anchor(cue)
        space = self.typeface.width(" ")
        widths = [sum(self.typeface.width(word.text) + space for word in line) - space for line in screen]
        size = min(self.size, self._usual.width / max(widths))
        widths = [width * size for width in widths]
        top, lefts = self._top(len(screen) * LINE_HEIGHT * size, anchor), self._lefts(widths, anchor)
        down = self._inside.down(top, top + len(screen) * LINE_HEIGHT * size)
        across = self._inside.across(min(lefts), max(map(operator.add, lefts, widths)))
        self.moved += max(abs(down), abs(across)) > _MOVED_PX
        step = -1 if anchor.value.startswith("bottom") else 1
        top = self._blocks.put(top + down, len(screen) * LINE_HEIGHT * size, step, (start_ms, end_ms))
        rows = [
            Row(left + across, width, top + (n + 0.5) * LINE_HEIGHT * size, size, self.typeface)
            for n, (left, width) in enumerate(zip(lefts, widths, strict=True))
        ]
        lines = tuple(_lines(screen, rows, text_of(cue.words), end_ms))
        return PlacedScreen(lines, start_ms, end_ms, size, has_right_to_left(text_of(cue.words)))

    def _anchor(self, cue: Cue) -> Anchor:
        position = self.asked.position
        told = cue.anchor if position.x is None and position.y is None else None
        return position.anchor or told or Anchor.BOTTOM

    def _top(self, height: float, anchor: Anchor) -> float:
        """Return where a block of lines is wanted to begin."""
        at = None if self.asked.position.y is None else self.asked.position.y * self.height
        if anchor.value.startswith("top"):
            return self._usual.top if at is None else at
        if anchor.value.startswith("bottom"):
            return (self._usual.bottom if at is None else at) - height
        return ((self._usual.top + self._usual.bottom) / 2 if at is None else at) - height / 2

    def _lefts(self, widths: Sequence[float], anchor: Anchor) -> list[float]:
        """Return where each line of a block is wanted to begin."""
        at = None if self.asked.position.x is None else self.asked.position.x * self.width
        if anchor.value.endswith("left"):
            return [self._usual.left if at is None else at] * len(widths)
        if anchor.value.endswith("right"):
            return [(self._usual.right if at is None else at) - width for width in widths]
        middle = (self._usual.left + self._usual.right) / 2 if at is None else at
        return [middle - width / 2 for width in widths]


def _lines(screen: Screen, rows: Sequence[Row], paragraph: str, end_ms: int) -> Iterator[PlacedLine]:
    """Yield the lines with their words; which way each letter runs is settled for all of them together."""
    words = [word for line in screen for word in line]
    spans, text = _spans(words, end_ms), text_of(words)
    found = levels(text, leftwards=runs_right_to_left(paragraph)) if has_right_to_left(paragraph) else [0] * len(text)
    for line, row in zip(screen, rows, strict=True):
        yield row.line(line, found, [next(spans) for _ in line])
        found = found[len(text_of(line)) + 1 :]


def _spans(words: Sequence[Word], end_ms: int) -> Iterator[tuple[int, int]]:
    """Yield from when until when each word is the one that is said: until the next one begins."""
    ends = [*(word.start_ms for word in words[1:]), end_ms]
    return ((word.start_ms, max(until, word.start_ms)) for word, until in zip(words, ends, strict=True))
