"""What is left of subtitles once they are read: cues of words, each with its time."""

from collections import Counter
from dataclasses import dataclass, field

from shared.captions.appearance import Anchor
from shared.captions.syntax import Format


@dataclass(frozen=True, slots=True)
class Look:
    """How the file itself wants some words to look. `colour` is #RRGGBB; None leaves things as they are."""

    bold: bool | None = None
    italic: bool | None = None
    underline: bool = False
    colour: str | None = None


PLAIN = Look()


@dataclass(frozen=True, slots=True)
class Word:
    """Letters without a space between them, and when they are said."""

    text: str
    start_ms: int
    end_ms: int
    look: Look = PLAIN
    ends_line: bool = False
    """Whether the file breaks the line after it."""


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown together; it has words."""

    start_ms: int
    end_ms: int
    words: tuple[Word, ...]
    anchor: Anchor | None = None
    """Where the file wants it."""


@dataclass(slots=True)
class Subtitles:
    """What was read from one file."""

    written: Format
    encoding: str
    cues: list[Cue]
    changes: Counter[str] = field(default_factory=Counter)
    """What was taken out or put right, and how often."""
