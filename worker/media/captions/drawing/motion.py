"""The eight styles: how the words of a screen are set in motion, as events of ASS.

Words are drawn one by one wherever they move or change: override tags inside a line would cut a shaped Arabic run, and
libass's own karaoke fill always runs to the right.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from shared.captions.appearance import Appearance, Style
from worker.media.captions.drawing.ass import SHAPE, Border, Box, Event, numbers, paint, rectangle
from worker.media.captions.drawing.faces import typeface
from worker.media.captions.drawing.graphemes import graphemes
from worker.media.captions.drawing.layout import CENTRE_ABOVE_BASELINE, LINE_HEIGHT
from worker.media.captions.drawing.letters import Letters, is_bold
from worker.media.captions.drawing.placed import Piece, PlacedScreen, PlacedWord

_BACKGROUND, _BEHIND, _LETTERS, _OVER = range(4)
_BAR_BELOW, _BAR_HEIGHT = 0.16, 0.13
"""Of the line under a word, from the baseline, in ems."""
_BOX_ABOVE, _BOX_BELOW = 0.58, 0.58
"""How far a word's box reaches from its middle without padding, in ems."""
_GROWN_MS, _SETTLED_MS = 90, 170
_MOST_STEPS = 60


@dataclass(frozen=True, slots=True)
class Drawing:
    """What all screens of a video are drawn with."""

    asked: Appearance
    letters: Letters

    def events(self, screen: PlacedScreen) -> Iterator[Event]:
        """Yield what a screen is made of."""
        if self.asked.colours.background is not None:
            yield self._background(screen, self.asked.colours.background)
        yield from _STYLES[self.asked.style](self, screen)

    def classic(self, screen: PlacedScreen) -> Iterator[Event]:
        """All lines, unmoved."""
        for line in screen.lines:
            if (body := self.letters.line(screen, line)) is not None:
                yield Event(_LETTERS, screen.start_ms, screen.end_ms, body)
            else:
                for word in line.words:
                    yield from self._word(screen, word, screen.start_ms)

    def karaoke(self, screen: PlacedScreen) -> Iterator[Event]:
        """Each word is filled with the active colour while it is said, in its own direction."""
        active = paint(self.asked.colours.active)
        for word in screen.words:
            yield from self._word(screen, word, screen.start_ms)
            for piece, start_ms, end_ms in _shared_out(word, lambda piece: piece.width):
                left, right = self._reach(piece)
                empty = (right, right) if piece.leftwards else (left, left)
                said_ms = max(1, end_ms - start_ms)
                clips = _clip(word, screen, *empty), _clip(word, screen, left, right)
                body = self.letters.piece(screen, word, piece, rf"{active}{clips[0]}\t(0,{said_ms},{clips[1]})")
                yield Event(_OVER, start_ms, screen.end_ms, body)

    def highlight(self, screen: PlacedScreen) -> Iterator[Event]:
        """The word that is said has the active colour."""
        active = paint(self.asked.colours.active)
        for word in screen.words:
            yield from self._said(screen, word, active, paint(self.letters.usual_colour(word)))

    def box(self, screen: PlacedScreen) -> Iterator[Event]:
        """A box stands behind the word that is said; its letters stand out from it."""
        on_box = [self.letters.boxed(word) for word in screen.words]
        if not any(on_box):
            yield from self.classic(screen)
        padding = screen.size * self.asked.edges.padding_percent / 100
        for word, looks in zip(screen.words, on_box, strict=True):
            if looks:
                yield from self._said(screen, word, *looks)
            elif any(on_box):
                yield from self._word(screen, word, screen.start_ms)
            height = (_BOX_ABOVE + _BOX_BELOW) * screen.size + padding / 2
            behind = Box(word.x - word.width / 2 - padding, word.y - height / 2, word.width + 2 * padding, height)
            body = rectangle(behind, self._radius(screen), self.asked.colours.active)
            yield Event(_BEHIND, word.start_ms, word.end_ms, body, SHAPE)

    def underline(self, screen: PlacedScreen) -> Iterator[Event]:
        """A line stands under the word that is said."""
        yield from self.classic(screen)
        border = Border(self.letters.style().outline_px / 2, self.asked.colours.outline)
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
                changes += _from(word.end_ms - word.start_ms, paint(self.letters.usual_colour(word)))
            yield from self._word(screen, word, word.start_ms, changes)

    def typewriter(self, screen: PlacedScreen) -> Iterator[Event]:
        """Letter after letter appears while its word is said, in the direction of writing."""
        for word in screen.words:
            for piece, start_ms, end_ms in _shared_out(word, lambda piece: len(graphemes(piece.text))):
                changes = self._typed(screen, word, piece, end_ms - start_ms)
                yield Event(_LETTERS, start_ms, screen.end_ms, self.letters.piece(screen, word, piece, changes))

    def _typed(self, screen: PlacedScreen, word: PlacedWord, piece: Piece, said_ms: int) -> str:
        """Return the overrides that show a piece letter after letter."""
        face = typeface(self.asked.font.family, bold=is_bold(self.asked.font))
        left, right = self._reach(piece)
        letters = graphemes(piece.text)
        every = -(-len(letters) // _MOST_STEPS)
        changes = ""
        for n in range(every, len(letters) + every, every):
            shown = face.width("".join(letters[:n])) * screen.size
            edges = (piece.right - shown, right) if piece.leftwards else (left, piece.left + shown)
            clip = _clip(word, screen, *((left, right) if n >= len(letters) else edges))
            changes += clip if n == every else _from(said_ms * (n - every) // len(letters), clip)
        return changes

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

    def _word(self, screen: PlacedScreen, word: PlacedWord, start_ms: int, changes: str = "") -> Iterator[Event]:
        for body in self.letters.pieces(screen, word, changes):
            yield Event(_LETTERS, start_ms, screen.end_ms, body)

    def _said(self, screen: PlacedScreen, word: PlacedWord, active: str, undone: str) -> Iterator[Event]:
        """Yield a word that has the overrides `active` while it is said; `undone` undoes them."""
        begins_ms, ends_ms = word.start_ms - screen.start_ms, word.end_ms - screen.start_ms
        changes = active if begins_ms <= 0 else _from(begins_ms, active)
        if ends_ms < screen.end_ms - screen.start_ms:
            changes += _from(ends_ms, undone)
        return self._word(screen, word, screen.start_ms, changes)

    def _reach(self, piece: Piece) -> tuple[float, float]:
        """Return from where to where letters are drawn, with their outline and what leans over."""
        style = self.letters.style()
        over = style.outline_px + style.shadow_px + self.letters.size * 0.1
        return piece.left - over, piece.right + over


def _shared_out(word: PlacedWord, share: Callable[[Piece], float]) -> Iterator[tuple[Piece, int, int]]:
    """Yield each piece with the part of the word's time that it takes, as it is read."""
    whole = sum(map(share, word.pieces)) or 1
    done, start_ms = 0.0, word.start_ms
    for piece in word.pieces:
        done += share(piece)
        end_ms = word.start_ms + round((word.end_ms - word.start_ms) * done / whole)
        yield piece, start_ms, end_ms
        start_ms = end_ms


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
