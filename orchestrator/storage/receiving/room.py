"""Room on the disk: what is on its way has its place there, and something is always left for the database."""

import threading
from pathlib import Path

from orchestrator.storage.disk_guard import disk_use
from shared.errors import StorageFull


class Room:
    """The disk that `folder` lies on, and how much of it has been promised. Any thread may call."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._promised_bytes = 0

    def claim(self, size_bytes: int, *, into_reserve: bool) -> "Claim":
        """Return the promise of so many bytes; StorageFull.

        Clients leave the whole reserve; what goes `into_reserve`, the files of jobs that run, leaves a last rest.
        """
        claim = Claim(self, into_reserve=into_reserve)
        claim.widen(size_bytes)
        return claim

    def promise(self, size_bytes: int, *, into_reserve: bool) -> None:
        """Promise so much more beside all that was promised; StorageFull."""
        with self._lock:
            self._check(self._promised_bytes + size_bytes, into_reserve=into_reserve)
            self._promised_bytes += size_bytes

    def take_back(self, size_bytes: int) -> None:
        """Promise so much less: it is written, or will not be."""
        with self._lock:
            self._promised_bytes -= size_bytes

    def check_last(self, size_bytes: int) -> None:
        """Raise StorageFull if a write that was promised would take the database's air all the same."""
        self._check(size_bytes, into_reserve=True)

    def _check(self, size_bytes: int, *, into_reserve: bool) -> None:
        use = disk_use(self._folder)
        kept_bytes = use.last_reserve_bytes if into_reserve else use.reserve_bytes
        if size_bytes > use.free_bytes - kept_bytes:
            raise StorageFull


class Claim:
    """What one arrival has announced, less what is written of it. Any thread may call."""

    def __init__(self, room: Room, *, into_reserve: bool) -> None:
        self._room = room
        self._into_reserve = into_reserve
        self._lock = threading.Lock()
        self._left_bytes = 0
        self._released = False

    def widen(self, size_bytes: int) -> None:
        """Claim more; StorageFull."""
        with self._lock:
            self._widen(size_bytes)

    def before_write(self, size_bytes: int) -> None:
        """Raise StorageFull unless so much can be written; what goes beyond the claim widens it."""
        with self._lock:
            if size_bytes > self._left_bytes:
                self._widen(size_bytes - self._left_bytes)
            else:
                self._room.check_last(size_bytes)

    def written(self, size_bytes: int) -> None:
        """Note that so much lies on the disk now."""
        with self._lock:
            self._give_back(min(size_bytes, self._left_bytes))  # nothing is left of it once it is released

    def release(self) -> None:
        """Claim nothing any more, whatever a thread may still be about to write."""
        with self._lock:
            self._released = True
            self._give_back(self._left_bytes)

    def _widen(self, size_bytes: int) -> None:
        if not self._released:
            self._room.promise(size_bytes, into_reserve=self._into_reserve)
            self._left_bytes += size_bytes

    def _give_back(self, size_bytes: int) -> None:
        self._left_bytes -= size_bytes
        self._room.take_back(size_bytes)
