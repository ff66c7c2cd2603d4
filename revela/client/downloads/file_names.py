"""Names that are safe as item ids and as file names, and differ on every file system."""

import re
from collections.abc import Iterable

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 100


def distinct_names(wanted: Iterable[str], otherwise: str) -> list[str]:
    """Return a name for each text: what ids allow of it, with -2, -3, … where two would be alike.

    No name begins with a dot or a dash, and two that differ only in case count as alike. A text of which nothing
    is left is named `otherwise`.
    """
    names: list[str] = []
    taken: set[str] = set()
    for text in wanted:
        name = _UNSAFE.sub("-", text).lstrip(".-").rstrip(".-")[:_LONGEST] or otherwise
        unique = name
        number = 1
        while unique.lower() in taken:
            number += 1
            unique = f"{name}-{number}"
        taken.add(unique.lower())
        names.append(unique)
    return names
