"""Which characters of a text are kept: none that steer instead of being shown."""

import re
import unicodedata
from collections import Counter

_NEWLINES = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_STEERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Bidirectional embeddings, overrides and isolates: they can make a line read other than it is written."""
_SHOWN_NOWHERE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufff9-\ufffc\ud800-\udfff]")


def cleaned(text: str, changes: Counter[str]) -> str:
    """Return the text without control characters, composed (NFC), with one kind of newline; count what went."""
    text = _NEWLINES.sub("\n", text).replace("\t", " ")
    text, steering = _STEERING.subn("", text)
    text, controls = _SHOWN_NOWHERE.subn("", text)
    changes["direction-marks-removed"] += steering
    changes["control-characters-removed"] += controls
    return unicodedata.normalize("NFC", text)
