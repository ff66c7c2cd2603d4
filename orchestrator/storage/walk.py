"""Walking a folder as a store lists a bucket: every file below a prefix by its key, in the order of the keys."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from orchestrator.storage import port
from orchestrator.storage.port import ListedObject

_OWN = "~"
"""What the storage keeps for itself begins so; it stands in no key."""


def pages(root: Path, prefix: str) -> Iterator[list[ListedObject]]:
    """Yield what lies under ``{prefix}/`` (all, for an empty one)."""
    found = _files(root / prefix if prefix else root, f"{prefix}/" if prefix else "")
    while page := list(islice(found, port.PAGE_OBJECTS)):
        yield page


def _files(folder: Path, prefix: str) -> Iterator[ListedObject]:
    """Yield a folder's files and those below; what goes away meanwhile is not there, and links are followed nowhere."""
    for name, entry in _entries(folder):
        if name.startswith(_OWN):
            continue
        if name.endswith("/"):
            yield from _files(Path(entry.path), f"{prefix}{name}")
            continue
        try:
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if entry.is_file(follow_symlinks=False):
            yield ListedObject(f"{prefix}{name}", found.st_size, found.st_mtime_ns // 1_000_000)


def _entries(folder: Path) -> list[tuple[str, "os.DirEntry[str]"]]:
    """Return a folder's entries, in the order that their keys have: a folder's name ends with a slash in them."""
    try:
        with os.scandir(folder) as found:
            named = [
                (f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name, entry) for entry in found
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(named, key=lambda named_entry: named_entry[0])
