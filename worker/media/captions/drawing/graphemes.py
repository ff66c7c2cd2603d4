"""Letters as readers see them: with their accents, and emoji of several parts whole."""

import unicodedata

_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_REGIONS = range(0x1F1E6, 0x1F200)


def graphemes(text: str) -> list[str]:
    """Return the text cut where a reader would cut it (UAX #29, without its rules for Hangul and Indic scripts)."""
    found: list[str] = []
    for character in text:
        if found and (_extends(character) or found[-1].endswith(_JOINER) or _second_of_flag(found[-1], character)):
            found[-1] += character
        else:
            found.append(character)
    return found


def _extends(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or character in (_JOINER, "\ufe0e", "\ufe0f")
        or ord(character) in _SKIN_TONES
    )


def _second_of_flag(before: str, character: str) -> bool:
    return len(before) == 1 and ord(before) in _REGIONS and ord(character) in _REGIONS
