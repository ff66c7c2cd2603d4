"""How captions look: the styles and every option, as a request names them."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from shared.captions.families import DEFAULT_FAMILY, Family
from shared.captions.safe_areas import SafeArea
from shared.wire.model import ClientModel

_COLOUR = re.compile(r"#(?:[0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")


class Style(StrEnum):
    """How the words move."""

    CLASSIC = "classic"
    KARAOKE = "karaoke"
    HIGHLIGHT = "highlight"
    BOX = "box"
    UNDERLINE = "underline"
    WORD = "word"
    POP = "pop"
    TYPEWRITER = "typewriter"


class Weight(StrEnum):
    """How heavy the letters are."""

    REGULAR = "regular"
    BOLD = "bold"


class LetterCase(StrEnum):
    """What becomes of capital and small letters."""

    AS_IS = "as_is"
    UPPER = "upper"
    LOWER = "lower"
    TITLE = "title"

    def of(self, word: str) -> str:
        """Return a word in these letters."""
        match self:
            case LetterCase.UPPER:
                return word.upper()
            case LetterCase.LOWER:
                return word.lower()
            case LetterCase.TITLE:
                return word[:1].upper() + word[1:]
            case LetterCase.AS_IS:
                return word


class Anchor(StrEnum):
    """One of nine places; at `x` and `y` the point of the text that stands there."""

    TOP_LEFT = "top_left"
    TOP = "top"
    TOP_RIGHT = "top_right"
    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"
    BOTTOM_LEFT = "bottom_left"
    BOTTOM = "bottom"
    BOTTOM_RIGHT = "bottom_right"


def _is_colour(text: str) -> str:
    if not _COLOUR.fullmatch(text):
        raise ValueError("must be a colour as #RGB, #RGBA, #RRGGBB or #RRGGBBAA")
    return text


Colour = Annotated[
    str,
    Field(max_length=9, json_schema_extra={"pattern": f"^{_COLOUR.pattern}$", "examples": ["#FFD60A"]}),
    AfterValidator(_is_colour),
]
MAX_SIZE_PERCENT = 30.0
"""Of the frame's height; libass needs much memory for larger letters."""
Fraction = Annotated[float, Field(ge=0, le=1)]
Phrase = Annotated[str, Field(min_length=1, max_length=100)]


class Font(ClientModel):
    """What the letters are."""

    family: Family = Field(default=DEFAULT_FAMILY, description="What it lacks is set in Noto")
    size_percent: float | None = Field(
        default=None,
        ge=1,
        le=MAX_SIZE_PERCENT,
        description="Of the frame's height; without it and `size_px`, as suits the style",
    )
    size_px: int | None = Field(
        default=None, ge=8, le=1000, strict=True, description="Instead of `size_percent`, and no larger"
    )
    weight: Weight = Field(default=Weight.BOLD, description="A family with a single weight stays as it is")
    italic: bool = Field(default=False, strict=True, description="Slanted")

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.size_percent is not None and self.size_px is not None:
            raise ValueError("`size_percent` and `size_px` are two ways to say one size: give one of them")
        return self


class Colours(ClientModel):
    """Each as #RGB, #RGBA, #RRGGBB or #RRGGBBAA."""

    text: Colour = Field(default="#FFFFFF", description="Of the letters")
    active: Colour = Field(default="#FFD60A", description="The word that is being said, or its box or line")
    outline: Colour = Field(default="#000000", description="Around the letters")
    shadow: Colour = Field(default="#00000099", description="Below the letters")
    background: Colour | None = Field(default=None, description="A box behind all of the text; without it none")


class Edges(ClientModel):
    """What surrounds the letters, in percent of the text's size."""

    outline_percent: float = Field(default=9, ge=0, le=30, description="Width of the outline, of the text's size")
    shadow_percent: float = Field(default=4, ge=0, le=30, description="How far the shadow falls, of the text's size")
    padding_percent: float = Field(default=15, ge=0, le=100, description="Of boxes, around the text")
    radius_percent: float = Field(default=20, ge=0, le=100, description="Of boxes' corners")


class Position(ClientModel):
    """Where the text stands."""

    anchor: Anchor | None = Field(
        default=None, description="Without it where the subtitles say, and `bottom` where they don't"
    )
    x: Fraction | None = Field(default=None, description="Across the frame, instead of the anchor's own place")
    y: Fraction | None = Field(default=None, description="Down the frame, instead of the anchor's own place")
    margin_x_percent: float = Field(default=6, ge=0, le=45, description="Kept free at left and right, of the width")
    margin_y_percent: float = Field(default=6, ge=0, le=45, description="Kept free at top and bottom, of the height")
    safe_area: SafeArea = Field(default=SafeArea.NONE, description="Keep clear of what this app shows over the video")


class Lines(ClientModel):
    """How the text is broken; never inside a word. What does not fit is shown one after the other."""

    max_words: int | None = Field(default=None, ge=1, le=50, strict=True, description="In a line")
    max_characters: int | None = Field(default=None, ge=4, le=200, strict=True, description="In a line, if words allow")
    max_lines: int = Field(default=2, ge=1, le=6, strict=True, description="At once")


class Replacement(ClientModel):
    """What stands instead of some words."""

    find: Phrase = Field(description="Whole words, in any case of letters")
    put: Annotated[str, Field(max_length=100)] = Field(description="May be empty")


class Appearance(ClientModel):
    """All that decides how captions look."""

    style: Style = Field(default=Style.CLASSIC, description="How the words move", examples=["karaoke"])
    font: Font = Font()
    colours: Colours = Colours()
    edges: Edges = Edges()
    position: Position = Position()
    lines: Lines = Lines()
    letter_case: LetterCase = Field(default=LetterCase.AS_IS, description="Capital and small letters")
    replace: list[Replacement] = Field(default=[], max_length=100, description="Done before the text is broken")
    mask: list[Phrase] = Field(
        default=[], max_length=200, description="Words of which only the first letter is shown, in any case of letters"
    )
