"""The bundled fonts: which one a character is taken from, what none has, and how wide a text becomes.

All of them were given the same ascent and descent, so that a line's height and its baseline are the same in each.
libass picks fonts by the same order: `fonts.conf` tells it.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uharfbuzz as harfbuzz

from shared.captions.families import has_bold

FOLDER = Path(__file__).parents[1] / "fonts"
CONFIGURATION = FOLDER / "fonts.conf"
EMOJI = "Noto Emoji"
KEYCAP = re.compile("([0-9#*]\ufe0f?\u20e3)")
"""A digit in a cap: the digit would be taken from the family, and the cap from the emoji."""
SCRIPT_OF_EMOJI = "\u180e"
"""Stands before an emoji of several parts. libass cuts a text where the script changes, and the parts of such an emoji
are of none of their own; they take that of what stands before. It has no width in our emoji font, and no shape."""
ASCENT, DESCENT = 1.1, 0.4
"""Of every font, as parts of its em: what libass calls a font's size is the sum of both."""
_FALLBACKS = ("Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", EMOJI, "Noto Sans Symbols", "Noto Sans Symbols 2")
_SINGLE = {EMOJI: "Bold", "Noto Sans Symbols": "Bold", "Noto Sans Symbols 2": "Regular"}
_UNSEEN = ("Cf", "Cc", "Zs", "Zl", "Zp")
_JOINERS = {0x200D, 0xFE0E, 0xFE0F, 0x20E3}
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_MOST_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class Face:
    """One font file, opened."""

    name: str
    font: harfbuzz.Font
    characters: frozenset[int]
    upem: int

    def width(self, text: str) -> float:
        """Return how wide `text`, all of it in this face, becomes, in ems."""
        buffer = harfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        harfbuzz.shape(self.font, buffer)
        return float(sum(position.x_advance for position in buffer.glyph_positions)) / self.upem


@dataclass(frozen=True, slots=True)
class Typeface:
    """A family in one weight with all that stands in for what it lacks."""

    faces: tuple[Face, ...]
    _known: dict[str, float] = field(default_factory=dict, compare=False, repr=False)

    def width(self, text: str) -> float:
        """Return how wide `text` becomes, in ems; words come again, so what was measured is kept for a while."""
        if (known := self._known.get(text)) is not None:
            return known
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        measured = self._known[text] = self._measured(text)
        return measured

    def _measured(self, text: str) -> float:
        own = self.faces[0]
        if own.characters.issuperset(map(ord, text)):
            return own.width(text)
        return sum(face.width(part) for face, part in self._runs(text))

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Return the characters that no font here has, in order."""
        seen = {character for text in texts for character in text}
        return sorted(c for c in seen if self._face_of(ord(c)) is None and not _unseen(c))

    def _runs(self, text: str) -> Iterator[tuple[Face, str]]:
        """Split as libass does; keycaps are all emoji, as they are written."""
        for part in KEYCAP.split(text):
            if KEYCAP.fullmatch(part):
                yield next(face for face in self.faces if face.name == EMOJI), part
            else:
                yield from self._plain_runs(part)

    def _plain_runs(self, text: str) -> Iterator[tuple[Face, str]]:
        """A character that has no shape of its own stays with those before it."""
        face, run = self.faces[0], ""
        for character in text:
            wanted = face if run and _stays(character) else self._face_of(ord(character)) or self.faces[0]
            if wanted is not face and run:
                yield face, run
                run = ""
            face = wanted
            run += character
        if run:
            yield face, run

    def _face_of(self, code: int) -> Face | None:
        return next((face for face in self.faces if code in face.characters), None)


@functools.cache
def typeface(family: str, *, bold: bool) -> Typeface:
    """Return a bundled family; the opened fonts are kept for the process's life."""
    names = [family, *(name for name in _FALLBACKS if name != family)]
    return Typeface(tuple(_face(name, bold=bold) for name in names))


@functools.cache
def _face(name: str, *, bold: bool) -> Face:
    only = _SINGLE.get(name) or ("Regular" if name not in _FALLBACKS and not has_bold(name) else None)
    file = FOLDER / f"{name.replace(' ', '')}-{only or ('Bold' if bold else 'Regular')}.ttf"
    face = harfbuzz.Face(harfbuzz.Blob.from_file_path(str(file)))
    return Face(name, harfbuzz.Font(face), frozenset(face.unicodes), face.upem)


def _stays(character: str) -> bool:
    code = ord(character)
    return code in _JOINERS or code in _SKIN_TONES or unicodedata.category(character) in ("Mn", "Me", "Cf")


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN or ord(character) in _JOINERS
