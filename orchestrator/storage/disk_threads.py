"""Threads for what a disk is slow at: a few for all of it, and one for what takes longest, the digests."""

import asyncio
import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from orchestrator.storage.port import LocalDownload
from orchestrator.storage.receiving.durable import disk_errors
from shared.errors import StorageUnavailable

_THREADS = 4
_PIECE_BYTES = 1 << 20

T = TypeVar("T")


class DiskThreads:
    """A few threads in which OSError becomes StorageFull or StorageUnavailable."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="disk")

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns."""
        return await self.begin(work)

    def begin(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Begin `work`; it is done even if nobody awaits it."""

        def guarded() -> T:
            with disk_errors():
                return work()

        return asyncio.get_running_loop().run_in_executor(self._pool, guarded)

    def close(self) -> None:
        """Finish what was begun."""
        self._pool.shutdown()


class Digests:
    """SHA-256 of files, one file after the other; who asks for one that is being found out gets the same answer."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="disk-digest")
        self._begun: dict[tuple[Path, str | None], Future[str]] = {}
        self._closing = threading.Event()

    async def of(self, file: LocalDownload) -> str:
        """Return a file's digest; StorageUnavailable if it can't be read, or if all is being closed."""
        version = (file.path, file.etag)
        digest = self._begun.get(version)
        if digest is None:
            digest = self._begun[version] = self._pool.submit(self._find, file.path)
            digest.add_done_callback(lambda _: self._begun.pop(version))
        return await asyncio.shield(asyncio.wrap_future(digest))  # who goes away ends it for nobody else

    def close(self) -> None:
        """End, in the middle of a file if need be."""
        self._closing.set()
        self._pool.shutdown()

    def _find(self, path: Path) -> str:
        digest = hashlib.sha256()
        with disk_errors(), path.open("rb", buffering=0) as file:
            while piece := file.read(_PIECE_BYTES):
                if self._closing.is_set():
                    raise StorageUnavailable
                digest.update(piece)
        return digest.hexdigest()
