"""A disk storage of its own, and bodies that come as a test wants them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from orchestrator.storage.disk import DiskStorage
from orchestrator.storage.receiving.receiver import Awaited
from shared.clock import ManualClock
from shared.signing import Signer

KEY = "acme/job_1/0-1/0/text.txt"
UPLOAD_KEY = "acme/uploads/01HZZZZZZZZZZZZZZZZZZZZZZZ"
MIB = 1 << 20
HEADERS = {"content-type": "text/plain"}


@asynccontextmanager
async def disk_storage(
    root: Path, clock: ManualClock | None = None, awaited: Awaited | None = None
) -> AsyncIterator[DiskStorage]:
    """Open a storage at `root`."""
    opened = DiskStorage(root, "https://media.example", Signer(b"s"), clock or ManualClock(), awaited)
    try:
        yield opened
    finally:
        await opened.close()


def order_token(storage: DiskStorage, max_bytes: int = MIB, expires_ms: int = 2_000_000_000_000) -> str:
    """Return the right of a work order."""
    return storage.grant_upload(KEY, "text/plain", max_bytes, expires_ms).url.split("/")[-2]


def client_token(storage: DiskStorage, size_bytes: int, expires_ms: int = 2_000_000_000_000) -> str:
    """Return the right of a client."""
    return storage.grant_put(UPLOAD_KEY, "text/plain", size_bytes, expires_ms).url.split("/")[-2]


def announcing(size_bytes: int) -> dict[str, str]:
    """Return the headers of a body of that size."""
    return {**HEADERS, "content-length": str(size_bytes)}


async def body_of(size_bytes: int) -> AsyncIterator[bytes]:
    """Yield so many bytes."""
    for start in range(0, size_bytes, MIB):
        yield bytes(min(MIB, size_bytes - start))


class SlowBody:
    """A body that stands still after its first bytes until it is told to end."""

    def __init__(self, first: bytes, rest: bytes = b"") -> None:
        self.first, self.rest = first, rest
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield it."""
        yield self.first
        self.reached.set()
        await self.go_on.wait()
        yield self.rest

    def stream(self) -> AsyncIterator[bytes]:
        """Return it as a request has it."""
        return self.__aiter__()


@contextmanager
def under_way(*tasks: "asyncio.Task[object]") -> Iterator[None]:
    """Break off what is still under way at the end."""
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


def files(root: Path) -> list[str]:
    """Return every file under a folder."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())
