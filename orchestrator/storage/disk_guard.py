"""The disk guard: on a disk that is almost full nothing new is taken, until there is room again."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from shared.errors import StorageFull

FREE_AGAIN_PERCENT = 2.0
"""So far below the limit it has to come before anything is taken again: else every deleted file would open the door."""

RESERVE_BYTES = 256 << 20
RESERVE_SHARE = 100
"""So many bytes, or this part of a large disk, clients may not fill; of a small disk a twentieth."""
_SMALL_SHARE = 20
_LAST_SHARE = 4
"""This part of the reserve is left by workers too, so that the database, which may lie there too, can free room."""

_BELIEVED_S = 1.0
"""How long a look at the disk is believed; a submit costs less than one."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DiskUse:
    """How much of a disk is used; for those who may not use what is kept back for root."""

    used_bytes: int
    free_bytes: int

    @property
    def percent(self) -> float:
        """The used part of what can be used, as `df` reckons it."""
        return 100.0 * self.used_bytes / self.size_bytes if self.size_bytes else 100.0

    @property
    def size_bytes(self) -> int:
        """All that can be used."""
        return self.used_bytes + self.free_bytes

    @property
    def reserve_bytes(self) -> int:
        """How much clients leave free."""
        return min(max(RESERVE_BYTES, self.size_bytes // RESERVE_SHARE), self.size_bytes // _SMALL_SHARE)

    @property
    def last_reserve_bytes(self) -> int:
        """How much everybody leaves free."""
        return self.reserve_bytes // _LAST_SHARE


def disk_use(folder: Path) -> DiskUse:
    """Return how full the disk is that `folder` lies on; OSError."""
    found = os.statvfs(folder)
    return DiskUse((found.f_blocks - found.f_bfree) * found.f_frsize, found.f_bavail * found.f_frsize)


def guard_of(storage_url: str, full_percent: float) -> "DiskGuard":
    """Return the guard of the disk that a ``file:`` storage lies on; of a bucket, one that never says no."""
    if not storage_url.startswith("file://"):
        return DiskGuard()
    return DiskGuard(partial(disk_use, Path(storage_url.removeprefix("file://"))), full_percent)


class DiskGuard:
    """Says whether there is room for anything new; without a `look`, as for a bucket, there always is.

    Reads, deletes, and what was begun go on all the while.
    """

    def __init__(self, look: Callable[[], DiskUse] | None = None, full_percent: float = 100.0) -> None:
        """`full_percent` of the disk in use count as full."""
        self._look = look
        self._full_percent = full_percent
        self._use: DiskUse | None = None
        self._looked_s = float("-inf")
        self._full = False

    def refuse_if_full(self) -> None:
        """Raise StorageFull while the disk counts as full."""
        if self.is_full():
            raise StorageFull(f"The disk of the storage is {self._full_percent:g} % full; try again later.")

    def room_bytes(self) -> int | None:
        """Return how much clients may still send; None where nothing is known of a disk."""
        use = self.use()
        return None if use is None else max(0, use.free_bytes - use.reserve_bytes)

    def is_full(self) -> bool:
        """Return whether nothing new is taken."""
        use = self.use()
        if use is None:
            return False
        limit = self._full_percent - (FREE_AGAIN_PERCENT if self._full else 0.0)
        full = use.percent >= limit
        if full is not self._full:
            self._full = full
            log.warning("disk.filled" if full else "disk.freed", percent=round(use.percent, 1))
        return full

    def use(self) -> DiskUse | None:
        """Return how full the disk was, at most a second ago; None without a disk, or for one that is away."""
        if self._look is not None and time.monotonic() - self._looked_s >= _BELIEVED_S:
            try:
                self._use = self._look()
            except OSError:
                self._use = None  # the storage's own check tells that it is away
            self._looked_s = time.monotonic()
        return self._use
