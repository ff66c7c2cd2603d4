"""The eight styles: how the words of a screen are set in motion, as events of ASS.

Words are drawn one by one wherever they move or change: override tags inside a line would cut a shaped Arabic run, and
libass's own karaoke fill always runs to the right.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from shared.captions.appearance import Appearance, Style, Weight
from shared.captions.families import has_bold
from worker.media.captions.drawing.ass import SHAPE, Border, Box, Event, Lettering, literal, numbers, paint, rectangle
from worker.media.captions.drawing.direction import LEFT_MARK, RIGHT_MARK
from worker.media.captions.drawing.faces import ASCENT, DESCENT, KEYCAP, typeface
from worker.media.captions.drawing.graphemes import graphemes
from worker.media.captions.drawing.layout import (
    CENTRE_ABOVE_BASELINE,
    LINE_HEIGHT,
    PlacedLine,
    PlacedScreen,
    PlacedWord,
)
from worker.media.captions.reading.cue import PLAIN, Look

_BACKGROUND, _BEHIND, _LETTERS, _OVER = range(4)
_BAR_BELOW, _BAR_HEIGHT = 0.16, 0.13
"""Of the line under a word, from the baseline, in ems."""
_BOX_ABOVE, _BOX_BELOW = 0.58, 0.58
"""How far a word's box reaches from its middle without padding, in ems."""
_GROWN_MS, _SETTLED_MS = 90, 170
_MOST_STEPS = 60
_PLAIN_SPACE = r"{\u0} "
LIBASS_SIZE = ASCENT + DESCENT


@dataclass(frozen=True, slots=True)
class Drawing:
    """What all screens of a video are drawn with; `size` is the usual one, in pixels."""

    asked: Appearance
    size: float

    @property
    def bold(self) -> bool:
        """Whether the usual face is a bold one: a display family has a single weight, which is not thickened."""
        return self.asked.font.weight is Weight.BOLD and has_bold(self.asked.font.family)

    def lettering(self) -> Lettering:
        """Return the style of all letters."""
        font, colours, edges = self.asked.font, self.asked.colours, self.asked.edges
        return Lettering(
            family=font.family,
            size=self.size * LIBASS_SIZE,
            bold=self.bold,
            italic=font.italic,
            text=colours.text,
            outline=colours.outline,
            shadow=colours.shadow,
            outline_px=self.size * edges.outline_percent / 100,
            shadow_px=self.size * edges.shadow_percent / 100,
        )

    def events(self, screen: PlacedScreen) -> Iterator[Event]:
        """Yield what a screen is made of."""
        if self.asked.colours.background is not None:
            yield self._background(screen, self.asked.colours.background)
        yield from _STYLES[self.asked.style](self, screen)

    def classic(self, screen: PlacedScreen) -> Iterator[Event]:
        """All lines, unmoved."""
        for line in screen.lines:
            looks = {word.word.look for word in line.words}
            # libass orders what stands between overrides part by part.
            if screen.directed and (len(looks) > 1 or KEYCAP.search(line.text)):
                yield from (self._word(screen, word, screen.start_ms) for word in line.words)
            else:
                yield Event(_LETTERS, screen.start_ms, screen.end_ms, self._line_body(screen, line, looks))

    def karaoke(self, screen: PlacedScreen) -> Iterator[Event]:
        """Each word is filled with the active colour while it is said, in its own direction."""
        yield from (self._word(screen, word, screen.start_ms) for word in screen.words)
        for word in screen.words:
            left, right = self._reach(word)
            empty = (right, right) if word.leftwards else (left, left)
            said_ms = max(1, word.end_ms - word.start_ms)
            filled = rf"{_clip(word, screen, *empty)}\t(0,{said_ms},{_clip(word, screen, left, right)})"
            yield self._word(screen, word, word.start_ms, paint(self.asked.colours.active) + filled, layer=_OVER)

    def highlight(self, screen: PlacedScreen) -> Iterator[Event]:
        """The word that is said has the active colour."""
        active = paint(self.asked.colours.active)
        for word in screen.words:
            begins_ms, ends_ms = word.start_ms - screen.start_ms, word.end_ms - screen.start_ms
            changes = active if begins_ms <= 0 else _from(begins_ms, active)
            if ends_ms < screen.end_ms - screen.start_ms:
                changes += _from(ends_ms, paint(self._colour(word.word.look)))
            yield self._word(screen, word, screen.start_ms, changes)

    def box(self, screen: PlacedScreen) -> Iterator[Event]:
        """A box stands behind the word that is said."""
        yield from self.classic(screen)
        padding = screen.size * self.asked.edges.padding_percent / 100
        for word in screen.words:
            height = (_BOX_ABOVE + _BOX_BELOW) * screen.size + padding / 2
            behind = Box(word.x - word.width / 2 - padding, word.y - height / 2, word.width + 2 * padding, height)
            body = rectangle(behind, self._radius(screen), self.asked.colours.active)
            yield Event(_BEHIND, word.start_ms, word.end_ms, body, SHAPE)

    def underline(self, screen: PlacedScreen) -> Iterator[Event]:
        """A line stands under the word that is said."""
        yield from self.classic(screen)
        border = Border(self.lettering().outline_px / 2, self.asked.colours.outline)
        for word in screen.words:
            top = word.y + (CENTRE_ABOVE_BASELINE + _BAR_BELOW) * screen.size
            bar = Box(word.x - word.width / 2, top, word.width, _BAR_HEIGHT * screen.size)
            body = rectangle(bar, bar.height / 2, self.asked.colours.active, border)
            yield Event(_BEHIND, word.start_ms, word.end_ms, body, SHAPE)

    def word(self, screen: PlacedScreen) -> Iterator[Event]:
        """One word after the other."""
        yield from self.classic(screen)

    def pop(self, screen: PlacedScreen) -> Iterator[Event]:
        """Each word springs up in its place when it is said, and stays; while it is said it has the active colour."""
        for word in screen.words:
            springs = rf"\fscx60\fscy60\t(0,{_GROWN_MS},\fscx112\fscy112)\t({_GROWN_MS},{_SETTLED_MS},\fscx100\fscy100)"
            changes = paint(self.asked.colours.active) + springs
            if word.end_ms < screen.end_ms:
                changes += _from(word.end_ms - word.start_ms, paint(self._colour(word.word.look)))
            yield self._word(screen, word, word.start_ms, changes)

    def typewriter(self, screen: PlacedScreen) -> Iterator[Event]:
        """Letter after letter appears while its word is said, in the direction of writing."""
        face = typeface(self.asked.font.family, bold=self.bold)
        for word in screen.words:
            left, right = self._reach(word)
            letters = graphemes(word.word.text)
            every = -(-len(letters) // _MOST_STEPS)
            said_ms, changes = word.end_ms - word.start_ms, ""
            for n in range(every, len(letters) + every, every):
                whole = n >= len(letters)
                shown = face.width("".join(letters[:n])) * screen.size
                edges = (left, word.x - word.width / 2 + shown)
                if word.leftwards:
                    edges = (word.x + word.width / 2 - shown, right)
                clip = _clip(word, screen, left, right) if whole else _clip(word, screen, *edges)
                changes += clip if n == every else _from(said_ms * (n - every) // len(letters), clip)
            yield self._word(screen, word, word.start_ms, changes)

    def _background(self, screen: PlacedScreen, shade: str) -> Event:
        padding = screen.size * self.asked.edges.padding_percent / 100
        left = min(line.x - line.width / 2 for line in screen.lines) - 1.5 * padding
        right = max(line.x + line.width / 2 for line in screen.lines) + 1.5 * padding
        half = LINE_HEIGHT * screen.size / 2
        top, bottom = screen.lines[0].y - half - padding / 2, screen.lines[-1].y + half + padding / 2
        body = rectangle(Box(left, top, right - left, bottom - top), self._radius(screen), shade)
        return Event(_BACKGROUND, screen.start_ms, screen.end_ms, body, SHAPE)

    def _radius(self, screen: PlacedScreen) -> float:
        return screen.size * self.asked.edges.radius_percent / 100

    def _word(
        self, screen: PlacedScreen, word: PlacedWord, start_ms: int, changes: str = "", layer: int = _LETTERS
    ) -> Event:
        look = "" if word.word.look == PLAIN else self._look(word.word.look)
        body = rf"{{{self._at(screen, word.x, word.y)}{look}{changes}}}{self._text(screen, word.word.text)}"
        return Event(layer, start_ms, screen.end_ms, body)

    def _line_body(self, screen: PlacedScreen, line: PlacedLine, looks: set[Look]) -> str:
        opening = self._at(screen, line.x, line.y)
        if looks == {PLAIN}:
            return f"{{{opening}}}{self._text(screen, line.text)}"
        if len(looks) == 1:
            return f"{{{opening}{self._look(*looks)}}}{self._text(screen, line.text)}"
        body = f"{{{opening}}}"
        for n, one in enumerate(line.words):
            gap = "" if n == 0 else " " if one.word.look.underline else _PLAIN_SPACE
            body += f"{gap}{{{self._look(one.word.look)}}}{self._text(screen, one.word.text)}"
        return body

    def _at(self, screen: PlacedScreen, x: float, y: float) -> str:
        smaller = "" if screen.size == self.size else rf"\fs{numbers(screen.size * LIBASS_SIZE)}"
        return rf"\an5\pos({numbers(x, y)}){smaller}"

    def _look(self, look: Look) -> str:
        bold = self.bold if look.bold is None else look.bold and has_bold(self.asked.font.family)
        italic = self.asked.font.italic if look.italic is None else look.italic
        return rf"\b{int(bold)}\i{int(italic)}\u{int(look.underline)}{paint(self._colour(look))}"

    def _colour(self, look: Look) -> str:
        return look.colour or self.asked.colours.text

    def _text(self, screen: PlacedScreen, text: str) -> str:
        mark = (RIGHT_MARK if screen.leftwards else LEFT_MARK) if screen.directed else ""
        return mark + literal(text, self.asked.font.family)

    def _reach(self, word: PlacedWord) -> tuple[float, float]:
        """Return from where to where a word is drawn, with its outline and what leans over."""
        lettering = self.lettering()
        over = lettering.outline_px + lettering.shadow_px + self.size * 0.1
        return word.x - word.width / 2 - over, word.x + word.width / 2 + over


def _clip(word: PlacedWord, screen: PlacedScreen, left: float, right: float) -> str:
    return rf"\clip({numbers(left, word.y - 2 * screen.size, right, word.y + 2 * screen.size)})"


def _from(ms: int, overrides: str) -> str:
    """Return `overrides` so that they hold from then on."""
    return rf"\t({ms},{ms + 1},{overrides})"


_STYLES: Mapping[Style, Callable[[Drawing, PlacedScreen], Iterator[Event]]] = {
    Style.CLASSIC: Drawing.classic,
    Style.KARAOKE: Drawing.karaoke,
    Style.HIGHLIGHT: Drawing.highlight,
    Style.BOX: Drawing.box,
    Style.UNDERLINE: Drawing.underline,
    Style.WORD: Drawing.word,
    Style.POP: Drawing.pop,
    Style.TYPEWRITER: Drawing.typewriter,
}
