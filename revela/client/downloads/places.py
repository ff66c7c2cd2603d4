"""Where an output is saved without touching what lies there: at its name, or at the next one that is free."""

import hashlib
import os
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from shared.wire.job import OutputView


@dataclass(frozen=True, slots=True)
class Place:
    """The path of an output, and whether it lies there already, to the last bit."""

    path: Path
    is_whole: bool


def place_of(output: OutputView, path: Path, others: AbstractSet[Path] = frozenset()) -> Place:
    """Return `path`, or where another file lies there NAME-2, NAME-3, …: the first that is free or the output itself.

    None of `others`, which are the places of other outputs, is taken for it.
    """
    further = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    for candidate in chain([path], (name for name in further if name not in others)):
        if not os.path.lexists(candidate):
            return Place(candidate, is_whole=False)
        if _holds(candidate, output):
            return Place(candidate, is_whole=True)
    raise AssertionError("there is always a further name")


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _holds(path: Path, output: OutputView) -> bool:
    return path.is_file() and path.stat().st_size == output.size_bytes and sha256_of(path) == output.sha256
