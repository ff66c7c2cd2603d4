"""All files that a job made: what each is saved as, and how far the saving is."""

import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from revela.client.downloads.file_names import distinct_names
from revela.client.downloads.partial_file import OnBytes
from revela.client.errors import ClientError
from shared.wire.job import ItemView, OutputView

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class SavedOutput:
    """One output and where it is saved."""

    item_id: str
    slot: str
    output: OutputView
    path: Path


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far it is, over all files."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int


OnDownload = Callable[[DownloadProgress], object]
"""Is given every step; from one thread at a time."""


def planned_outputs(items: Iterable[ItemView], folder: Path) -> list[SavedOutput]:
    """Return every output there is, with its place in `folder`.

    A file is named for its item; where an item has several outputs, for its slot too. No name leads out of the folder,
    and none is given twice, whatever the server calls them.
    """
    finished = [item for item in items if item.output]
    names = distinct_names((item.id for item in finished), "item")
    planned = []
    for item, name in zip(finished, names, strict=True):
        for slot, slot_name in zip(item.output, distinct_names(item.output, "output"), strict=True):
            output = item.output[slot]
            stem = name if len(item.output) == 1 else f"{name}.{slot_name}"
            planned.append(SavedOutput(item.id, slot, output, folder / f"{stem}{_suffix(output.url)}"))
    return planned


class Stopped(ClientError):
    """The download was given up, since another one of the job failed."""


class Tally:
    """Counts what has arrived of several files, from any thread."""

    def __init__(self, planned: Iterable[SavedOutput], on_progress: OnDownload | None) -> None:
        self._sizes = {saved.path: saved.output.size_bytes for saved in planned}
        self._here = dict.fromkeys(self._sizes, 0)
        self._done: set[Path] = set()
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._stopped = False

    def of(self, saved: SavedOutput) -> OnBytes:
        """Return what is told how much of that file is here; it raises Stopped once all of it is to stop."""

        def told(size_bytes: int) -> None:
            with self._lock:
                if self._stopped:
                    raise Stopped
                self._here[saved.path] = size_bytes
                self._tell()

        return told

    def done(self, saved: SavedOutput) -> None:
        """Count a file that is whole."""
        with self._lock:
            self._done.add(saved.path)
            self._tell()

    def stop(self) -> None:
        """Let every file be given up at its next piece."""
        self._stopped = True

    def _tell(self) -> None:
        if self._on_progress is not None:
            here, total = sum(self._here.values()), sum(self._sizes.values())
            self._on_progress(DownloadProgress(len(self._done), len(self._sizes), here, total))


def _suffix(url: str) -> str:
    """Return the extension of the file that a URL names; empty where it is an odd one."""
    suffix = Path(urlsplit(url).path).suffix
    return suffix if _SUFFIX.fullmatch(suffix) else ""
