"""Writing ASS: every line of it is ours, and text in it is only ever text."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from worker.media.captions.drawing.faces import EMOJI, KEYCAP, SCRIPT_OF_EMOJI
from worker.media.captions.drawing.graphemes import graphemes

TEXT, SHAPE = "Text", "Shape"
"""The two styles: letters are placed by their centre, shapes by their top left corner."""
_WORD_JOINER = "\u2060"
_JOINER = "\u200d"
_FORMAT = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, "
    "Encoding"
)
_FOUR_BLACKS = ",".join(["&H00000000"] * 4)
_ROUND = 0.5523
"""How far the handles of a Bézier curve stand off, of the radius, to be a quarter of a circle."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the file: what is drawn, over what is on lower layers, and when."""

    layer: int
    start_ms: int
    end_ms: int
    body: str
    style: str = TEXT


@dataclass(frozen=True, slots=True)
class Lettering:
    """The style of letters; `size` is libass's own, the colours are #RRGGBB or #RRGGBBAA."""

    family: str
    size: float
    bold: bool
    italic: bool
    text: str
    outline: str
    shadow: str
    outline_px: float
    shadow_px: float


def document(width: int, height: int, lettering: Lettering, events: Iterable[Event]) -> str:
    """Return the file for a frame of this size, so that one unit of it is one pixel."""
    return "\n".join(
        (
            "[Script Info]",
            "ScriptType: v4.00+",
            f"PlayResX: {width}",
            f"PlayResY: {height}",
            f"LayoutResX: {width}",
            f"LayoutResY: {height}",
            "WrapStyle: 2",
            "ScaledBorderAndShadow: yes",
            "YCbCr Matrix: None",
            "",
            "[V4+ Styles]",
            f"Format: {_FORMAT}",
            _text_style(lettering),
            f"Style: {SHAPE},{lettering.family},20,{_FOUR_BLACKS},0,0,0,0,100,100,0,0,1,0,0,7,0,0,0,1",
            "",
            "[Events]",
            "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
            *(_dialogue(event) for event in events),
            "",
        )
    )


def _text_style(lettering: Lettering) -> str:
    text, outline, shadow = (colour(one) for one in (lettering.text, lettering.outline, lettering.shadow))
    # The encoding -1 asks libass for the direction of the text's first letter.
    return (
        f"Style: {TEXT},{lettering.family},{_number(lettering.size)},{text},{text},{outline},{shadow},"
        f"{-1 if lettering.bold else 0},{-1 if lettering.italic else 0},0,0,100,100,0,0,1,"
        f"{_number(lettering.outline_px)},{_number(lettering.shadow_px)},5,0,0,0,-1"
    )


def _dialogue(event: Event) -> str:
    return f"Dialogue: {event.layer},{_clock(event.start_ms)},{_clock(event.end_ms)},{event.style},,0,0,0,,{event.body}"


def literal(text: str, family: str) -> str:
    """Return `text` as `inert` has it, with emoji of several parts drawn as one, and the rest in `family`."""
    harmless = inert(text)
    joined = "".join(_whole(letter) for letter in graphemes(harmless)) if _JOINER in harmless else harmless
    return KEYCAP.sub(rf"{{\\fn{EMOJI}}}{SCRIPT_OF_EMOJI}\1{{\\fn{family}}}", joined)


def inert(text: str) -> str:
    """Return `text` so that every character of it is shown and none obeyed.

    A backslash can't be escaped in ASS; one that a word joiner follows, which has no width, is no override.
    """
    escaped = text.replace("\\", f"\\{_WORD_JOINER}").replace("{", r"\{").replace("}", r"\}")
    return escaped.replace("\r", " ").replace("\n", " ")


def _whole(letter: str) -> str:
    """Return an emoji of several parts so that it is shaped as one."""
    return SCRIPT_OF_EMOJI + letter if _JOINER in letter and unicodedata.category(letter[0]) == "So" else letter


def colour(written: str) -> str:
    """Return #RGB, #RGBA, #RRGGBB or #RRGGBBAA as ASS has it: &HAABBGGRR, where AA is what shines through."""
    red, green, blue, opaque = channels(written)
    return f"&H{255 - opaque:02X}{blue:02X}{green:02X}{red:02X}"


def paint(written: str) -> str:
    """Return the overrides that give letters or a shape this colour."""
    return rf"\1c{_hue(written)}\1a{alpha(written)}"


def _hue(written: str) -> str:
    red, green, blue, _ = channels(written)
    return f"&H{blue:02X}{green:02X}{red:02X}&"


def alpha(written: str) -> str:
    """Return how much shines through a colour, as an override's argument."""
    return f"&H{255 - channels(written)[3]:02X}&"


def channels(written: str) -> tuple[int, int, int, int]:
    """Return red, green, blue and alpha, each up to 255."""
    digits = written.removeprefix("#")
    if len(digits) <= 4:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue, opaque = (int(digits.ljust(8, "F")[n : n + 2], 16) for n in (0, 2, 4, 6))
    return red, green, blue, opaque


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the frame, in pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Border:
    """A line around a shape."""

    width: float
    shade: str


def rectangle(box: Box, radius: float, shade: str, border: Border | None = None) -> str:
    """Return the body of an event that draws a box with round corners."""
    right, bottom = box.width, box.height
    corner = max(0.0, min(radius, right / 2, bottom / 2))
    handle = corner * (1 - _ROUND)
    path = (
        ("m", corner, 0),
        ("l", right - corner, 0),
        ("b", right - handle, 0, right, handle, right, corner),
        ("l", right, bottom - corner),
        ("b", right, bottom - handle, right - handle, bottom, right - corner, bottom),
        ("l", corner, bottom),
        ("b", handle, bottom, 0, bottom - handle, 0, bottom - corner),
        ("l", 0, corner),
        ("b", 0, handle, handle, 0, corner, 0),
    )
    drawn = " ".join(" ".join(part if isinstance(part, str) else _number(part) for part in step) for step in path)
    return rf"{{\an7\pos({numbers(box.left, box.top)}){paint(shade)}{_bordered(border)}\p1}}{drawn}"


def _bordered(border: Border | None) -> str:
    if border is None:
        return ""
    return rf"\bord{_number(border.width)}\3c{_hue(border.shade)}\3a{alpha(border.shade)}"


def numbers(*values: float) -> str:
    """Return numbers as an override's arguments."""
    return ",".join(_number(value) for value in values)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _clock(ms: int) -> str:
    hundredths = (ms + 5) // 10
    seconds, hundredths = divmod(hundredths, 100)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{hundredths:02d}"
