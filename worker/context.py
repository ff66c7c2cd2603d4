"""What an operation is given beside its parameters: files in, files out, progress and the order to stop."""

from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Protocol

from shared.errors import WorkCancelled
from shared.wire.media_input import MediaInput


class CancelFlag:
    """Set once, from any thread; everything that takes time looks at it."""

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        """Ask the work to stop."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether the work shall stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise WorkCancelled if the work shall stop."""
        if self._event.is_set():
            raise WorkCancelled

    def wait(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s`; return whether the work shall stop."""
        return self._event.wait(timeout_s)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A fetched input: on local disk, under a name that the worker chose."""

    path: Path
    size_bytes: int


class Context(Protocol):
    """One item's surroundings; `run(params, context)` uses nothing else."""

    cancel: CancelFlag
    threads: int
    """How many CPU threads this item may use."""

    def input(self, media: MediaInput) -> LocalFile:
        """Return the fetched file of a media input that stands in the params."""
        ...

    def output(self, slot: str) -> Path:
        """Return where the file of `slot` is to be written."""
        ...

    def further(self, slot: str) -> Path:
        """Return where the next file of a slot with `many` belongs, from number 0 on; OutputTooLarge beyond so many.

        To be called from one thread, and a file to be written for each call.
        """
        ...

    def scratch(self, name: str) -> Path:
        """Return a path for a temporary file, gone when the item ends."""
        ...

    def progress(self, stage: str, fraction: float) -> None:
        """Say how far this item is: a stage's name and 0..1 of the whole item. Cheap; call it per frame."""
        ...
