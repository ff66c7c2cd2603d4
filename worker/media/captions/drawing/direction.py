"""In which direction a text runs, and how libass is told the direction of a part of it."""

import unicodedata

_RIGHT_TO_LEFT = ("R", "AL")
_LEFT_MARK, _RIGHT_MARK = "\u200e", "\u200f"


def runs_right_to_left(text: str) -> bool:
    """Return whether a paragraph's first letter with a direction leads to the left (rules P2 and P3 of UAX #9)."""
    kinds = (unicodedata.bidirectional(character) for character in text)
    return next((kind for kind in kinds if kind in ("L", *_RIGHT_TO_LEFT)), "L") in _RIGHT_TO_LEFT


def has_right_to_left(text: str) -> bool:
    """Return whether any of its letters leads to the left."""
    return any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text)


def marked(text: str, *, leftwards: bool) -> str:
    """Return `text`, all of which runs one way, so that libass draws it that way whatever it is.

    The line is one that runs to the right even so: libass takes others for narrower than they are.
    """
    return f"{_LEFT_MARK}{_RIGHT_MARK}{text}{_RIGHT_MARK}" if leftwards else f"{_LEFT_MARK}{text}{_LEFT_MARK}"
