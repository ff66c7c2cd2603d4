"""The markup inside a cue: what is allowed of ASS overrides and of HTML-like tags is read, all else is dropped."""

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from shared.captions.appearance import Anchor
from shared.captions.syntax import Format
from worker.media.captions.reading.cue import PLAIN, Look, Word
from worker.media.captions.reading.timing import timed

_TOKENS = re.compile(r"(?P<block>\{[^{}]*\})|(?P<tag><[^<>\n]{0,300}>)|(?P<line>\\[Nn]|\n)|(?P<space>\\h)")
_CHANGING = re.compile(r"\\t\([^()]*(?:\([^()]*\)[^()]*)*(?:\)|$)")
_OVERRIDE = re.compile(r"\\([^\\{}]*)")
_SWITCH = re.compile(r"([biu])(\d*)\s*")
_COLOUR = re.compile(r"1?c(?:&?H?([0-9A-Fa-f]{1,8})&?)?\s*")
_ANCHOR = re.compile(r"an([1-9])\s*")
_DRAWING = re.compile(r"p(\d+)\s*")
_SYLLABLE = re.compile(r"(?:k[fot]?|K)(\d{1,6})\s*")
_STAMP = re.compile(r"(?:(\d{1,4}):)?(\d\d):(\d\d)\.(\d{3})")
_HTML = re.compile(r"\s*(/?)\s*([a-zA-Z]+)(.*)", re.DOTALL)
_HTML_COLOUR = re.compile(r"color\s*=\s*[\"']?\s*(#[0-9A-Fa-f]{6}|[a-zA-Z]+)", re.IGNORECASE)
_NAMED = {
    "white": "#FFFFFF", "black": "#000000", "red": "#FF0000", "lime": "#00FF00", "green": "#008000", "blue": "#0000FF",
    "yellow": "#FFFF00", "cyan": "#00FFFF", "magenta": "#FF00FF", "gray": "#808080", "orange": "#FFA500",
}  # fmt: skip
_ANCHORS = dict(
    zip(
        range(1, 10),
        (
            Anchor.BOTTOM_LEFT, Anchor.BOTTOM, Anchor.BOTTOM_RIGHT, Anchor.LEFT, Anchor.CENTER, Anchor.RIGHT,
            Anchor.TOP_LEFT, Anchor.TOP, Anchor.TOP_RIGHT,
        ),
        strict=True,
    )
)  # fmt: skip
"""By the numbers of a keypad, as ASS has them."""


def anchor_of(number: int) -> Anchor | None:
    """Return the place that ASS means by a number from 1 to 9; None for the usual one, 2, and for no such number."""
    return None if number == 2 else _ANCHORS.get(number)


@dataclass(frozen=True, slots=True)
class Marked:
    """A cue's words and where it wants to stand."""

    words: tuple[Word, ...]
    anchor: Anchor | None


def read(text: str, written: Format, span_ms: tuple[int, int], look: Look, changes: Counter[str]) -> Marked:
    """Return the words of a cue shown from and until `span_ms`; `look` is what its style says."""
    reader = _Reader(written, span_ms[0], look, changes)
    at = 0
    for token in _TOKENS.finditer(text):
        reader.text(text[at : token.start()])
        reader.token(token)
        at = token.end()
    reader.text(text[at:])
    starts = [draft.start_ms for draft in reader.drafts]
    return Marked(timed([draft.word() for draft in reader.drafts], starts, *span_ms), reader.anchor)


@dataclass(slots=True)
class _Draft:
    """A word that more letters may join."""

    look: Look
    start_ms: int | None
    text: str = ""
    ends_line: bool = False

    def word(self) -> Word:
        return Word(self.text, 0, 0, self.look, self.ends_line)


@dataclass(slots=True)
class _Reader:
    """Where reading is: the look that is in force, and the words so far."""

    written: Format
    start_ms: int
    style: Look
    changes: Counter[str]
    drafts: list[_Draft] = field(default_factory=list)
    anchor: Anchor | None = None
    _look: Look = PLAIN
    _open: bool = False
    _drawing: bool = False
    _said_ms: int | None = None
    _next_ms: int | None = None

    def __post_init__(self) -> None:
        self._look = self.style

    def token(self, token: re.Match[str]) -> None:
        """Obey or drop what is no text."""
        match token.lastgroup:
            case "block" if self.written is Format.ASS or token[0].startswith("{\\"):
                self._overrides(token[0])
            case "tag" if self.written is not Format.ASS:
                self._tag(token[0][1:-1])
            case "line" if self.written is Format.ASS or token[0] != r"\n":  # pysubs2 writes \N for a new line
                self._end_line()
            case "space" if self.written is Format.ASS:
                self.text("\u00a0")
            case _:
                self.text(token[0])

    def text(self, text: str) -> None:
        """Take letters and spaces."""
        if self._drawing:
            return
        if self.written is Format.VTT:
            text = html.unescape(text)
        for part in re.split("([ \n]+)", text):
            if not part.strip(" \n"):
                self._open = self._open and not part
                continue
            if not self._open:
                self.drafts.append(_Draft(self._look, self._said_ms))
                self._open = True
            self.drafts[-1].text += part

    def _end_line(self) -> None:
        self._open = False
        if self.drafts:
            self.drafts[-1].ends_line = True

    def _overrides(self, block: str) -> None:
        block, changing = _CHANGING.subn("", block)
        self.changes["overrides-removed"] += changing
        for override in _OVERRIDE.findall(block):
            if not self._override(override):
                self.changes["overrides-removed"] += 1

    def _override(self, override: str) -> bool:
        """Obey one override and return True; False for one that is not allowed."""
        if found := _SWITCH.fullmatch(override):
            self._switch(found[1], on=found[2] not in ("", "0"))
        elif found := _COLOUR.fullmatch(override):
            self._look = replace(self._look, colour=_colour(found[1]) if found[1] else self.style.colour)
        elif found := _ANCHOR.fullmatch(override):
            self.anchor = self.anchor or anchor_of(int(found[1]))
        elif found := _SYLLABLE.fullmatch(override):
            self._said_ms = self.start_ms if self._next_ms is None else self._next_ms
            self._next_ms = self._said_ms + 10 * int(found[1])
        elif found := _DRAWING.fullmatch(override):
            self._drawing = found[1].strip("0") != ""
            self.changes["drawings-removed"] += self._drawing
        elif override.startswith("r"):
            self._look = self.style
        else:
            return False
        return True

    def _switch(self, name: str, *, on: bool) -> None:
        match name:
            case "b":
                self._look = replace(self._look, bold=on or None)
            case "i":
                self._look = replace(self._look, italic=on or None)
            case _:
                self._look = replace(self._look, underline=on)

    def _tag(self, tag: str) -> None:
        if stamp := _STAMP.fullmatch(tag.strip()):
            self._said_ms = _stamped_ms(stamp)
            return
        found = _HTML.fullmatch(tag)
        if found is None:
            self.text(f"<{tag}>")
            return
        closing, name = bool(found[1]), found[2].lower()
        if name in ("b", "i", "u"):
            self._switch(name, on=not closing)
        elif name == "font":
            colour = None if closing else _html_colour(found[3])
            self._look = replace(self._look, colour=colour or self.style.colour)
        elif name not in ("v", "c", "lang", "ruby"):
            self.changes["tags-removed"] += 1


def _stamped_ms(stamp: re.Match[str]) -> int:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in stamp.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


def _colour(bgr: str) -> str:
    """Return #RRGGBB of ASS's hexadecimal blue, green, red."""
    padded = bgr.rjust(6, "0")[-6:].upper()
    return f"#{padded[4:6]}{padded[2:4]}{padded[0:2]}"


def _html_colour(attributes: str) -> str | None:
    found = _HTML_COLOUR.search(attributes)
    if found is None:
        return None
    return found[1].upper() if found[1].startswith("#") else _NAMED.get(found[1].lower())


def words_of(text: str) -> Iterator[str]:
    """Yield the parts of a plain text between spaces."""
    return (part for part in re.split("[ \n]+", text) if part)
