"""Letters as libass is told of them: a word piece by piece, or a line as a whole, and how each looks."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.captions.appearance import Appearance, Font, Weight
from shared.captions.families import has_bold
from worker.media.captions.drawing.ass import Lettering, alpha, channels, literal, numbers, paint
from worker.media.captions.drawing.direction import marked
from worker.media.captions.drawing.faces import ASCENT, DESCENT
from worker.media.captions.drawing.placed import Piece, PlacedLine, PlacedScreen, PlacedWord
from worker.media.captions.reading.cue import PLAIN, Look

_PLAIN_SPACE = r"{\u0} "
_LIBASS_SIZE = ASCENT + DESCENT
_INKS = ("#101010", "#FFFFFF")
_READABLE = 3.0
"""The least contrast of large letters to their ground (WCAG 2.2, 1.4.3)."""


def is_bold(font: Font) -> bool:
    """Return whether the usual face is a bold one: a display family has a single weight, which is not thickened."""
    return font.weight is Weight.BOLD and has_bold(font.family)


@dataclass(frozen=True, slots=True)
class Letters:
    """What all letters of a video are drawn with; `size` is the usual one, in pixels."""

    asked: Appearance
    size: float

    def style(self) -> Lettering:
        """Return the style of all letters."""
        font, colours, edges = self.asked.font, self.asked.colours, self.asked.edges
        return Lettering(
            family=font.family,
            size=self.size * _LIBASS_SIZE,
            bold=is_bold(font),
            italic=font.italic,
            text=colours.text,
            outline=colours.outline,
            shadow=colours.shadow,
            outline_px=self.size * edges.outline_percent / 100,
            shadow_px=self.size * edges.shadow_percent / 100,
        )

    def pieces(self, screen: PlacedScreen, word: PlacedWord, changes: str = "") -> Iterator[str]:
        """Yield what draws each piece of a word."""
        return (self.piece(screen, word, piece, changes) for piece in word.pieces)

    def piece(self, screen: PlacedScreen, word: PlacedWord, piece: Piece, changes: str = "") -> str:
        """Return what draws one piece of a word."""
        look = "" if word.word.look == PLAIN else self._look(word.word.look)
        text = self._text(screen, piece.text, leftwards=piece.leftwards)
        return f"{{{self._at(screen, piece.x, word.y)}{look}{changes}}}{text}"

    def line(self, screen: PlacedScreen, line: PlacedLine) -> str | None:
        """Return what draws a whole line; None where only its words can be drawn."""
        looks = {word.word.look for word in line.words}
        leftwards = line.leftwards
        # libass orders what stands between overrides part by part.
        if leftwards is None or (leftwards and len(looks) > 1):
            return None
        opening = self._at(screen, line.x, line.y)
        if len(looks) == 1:
            look = "" if looks == {PLAIN} else self._look(*looks)
            return f"{{{opening}{look}}}{self._text(screen, line.text, leftwards=leftwards)}"
        body = f"{{{opening}}}"
        for n, one in enumerate(line.words):
            gap = "" if n == 0 else " " if one.word.look.underline else _PLAIN_SPACE
            body += f"{gap}{{{self._look(one.word.look)}}}{self._text(screen, one.word.text, leftwards=False)}"
        return body

    def usual_colour(self, word: PlacedWord) -> str:
        """Return the colour of a word that isn't the one that is said."""
        return word.word.look.colour or self.asked.colours.text

    def boxed(self, word: PlacedWord) -> tuple[str, str] | None:
        """Return the overrides for a word on its box, and those that undo them; None where it reads well as it is.

        A box that is more than half transparent is no ground of its own.
        """
        colours, usual = self.asked.colours, self.usual_colour(word)
        if channels(colours.active)[3] < 0x80 or _contrast(usual, colours.active) >= _READABLE:
            return None
        inked = max(_INKS, key=lambda ink: _contrast(ink, colours.active))
        undone = rf"{paint(usual)}\3a{alpha(colours.outline)}\4a{alpha(colours.shadow)}"
        return rf"{paint(inked)}\3a&HFF&\4a&HFF&", undone

    def _at(self, screen: PlacedScreen, x: float, y: float) -> str:
        smaller = "" if screen.size == self.size else rf"\fs{numbers(screen.size * _LIBASS_SIZE)}"
        return rf"\an5\pos({numbers(x, y)}){smaller}"

    def _look(self, look: Look) -> str:
        bold = is_bold(self.asked.font) if look.bold is None else look.bold and has_bold(self.asked.font.family)
        italic = self.asked.font.italic if look.italic is None else look.italic
        painted = paint(look.colour or self.asked.colours.text)
        return rf"\b{int(bold)}\i{int(italic)}\u{int(look.underline)}{painted}"

    def _text(self, screen: PlacedScreen, text: str, *, leftwards: bool) -> str:
        shown = literal(text, self.asked.font.family)
        return marked(shown, leftwards=leftwards) if screen.directed else shown


def _contrast(one: str, other: str) -> float:
    """Return the ratio of two colours' luminances, from 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(written: str) -> float:
    """Return the relative luminance of an sRGB colour (WCAG 2.2)."""
    parts = [part / 255 for part in channels(written)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
