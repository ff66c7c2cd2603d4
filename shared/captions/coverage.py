"""Which characters the bundled fonts have, from the data file beside this module, which `make docs` makes of them."""

import functools
import json
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from shared.captions.families import DEFAULT_FAMILY

FILE = Path(__file__).with_suffix(".json")
MAX_NAMED = 20
_UNSEEN = ("Cf", "Cc", "Zs", "Zl", "Zp")
_JOINERS = {0x200D, 0xFE0E, 0xFE0F, 0x20E3}


def missing(characters: Iterable[str], family: str = DEFAULT_FAMILY) -> list[str]:
    """Return those of a text's characters that neither `family` nor what stands in for it has, in order.

    Each weight of a family has the same characters. Spaces, controls and joiners need no shape.
    """
    covered = _covered(family)
    return sorted(c for c in set(characters) if ord(c) not in covered and not _unseen(c))


def named(characters: list[str]) -> str:
    """Return characters as people can find them in a text: themselves, where they can stand alone, and their codes."""
    names = [_name(character) for character in characters[:MAX_NAMED]]
    further = len(characters) - len(names)
    return ", ".join(names) + (f" and {further} more" if further else "")


def _name(character: str) -> str:
    code = f"U+{ord(character):04X}"
    return code if unicodedata.category(character)[0] in "CMZ" else f"{character} ({code})"


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN or ord(character) in _JOINERS


@functools.cache
def _covered(family: str) -> frozenset[int]:
    document = json.loads(FILE.read_text(encoding="utf-8"))
    codes: set[int] = set()
    for written in (*document["every_family"], *document["families"][family]):
        for part in written.split():
            first, _, last = part.partition("-")
            codes.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(codes)
