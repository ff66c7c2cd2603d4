"""A proxy on loopback between a worker and a store that breaks connections on their way in, as it is told."""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_BLOCK_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls one connection; byte counts are of what the worker sends, its head included."""

    cut_after: int | None = None
    """Reset it there."""
    stall_after: int | None = None
    """Read no further, and never answer."""
    flip_at: int | None = None
    """Invert the bits of that byte."""
    lose_answer: bool = False
    """Pass all of it on, and reset it instead of answering."""
    pause_s: float = 0.0
    """Wait so long before every block."""


@dataclass
class ChaosProxy:
    """Passes bytes on to `target`; each connection suffers the next fault."""

    target: str
    url: str = ""
    faults: deque[Fault] = field(default_factory=deque)
    heads: list[bytes] = field(default_factory=list)
    """What each connection began with."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, worker: asyncio.StreamReader, to_worker: asyncio.StreamWriter) -> None:
        """Join one connection to the store."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        fault = self.faults.popleft() if self.faults else Fault()
        address = urlsplit(self.target)
        store, to_store = await asyncio.open_connection(address.hostname, address.port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._ask(worker, to_store, fault))
                both.create_task(_answer(store, to_worker, fault))
        except* (ConnectionError, asyncio.CancelledError):
            to_worker.transport.abort()
        finally:
            to_store.transport.abort()
            to_worker.close()
            self._tasks.discard(task)

    async def _ask(self, worker: asyncio.StreamReader, to_store: asyncio.StreamWriter, fault: Fault) -> None:
        passed = 0
        while block := await worker.read(_BLOCK_BYTES):
            if passed == 0:
                self.heads.append(block.partition(b"\r\n\r\n")[0])
            await asyncio.sleep(fault.pause_s)
            if fault.flip_at is not None and passed <= fault.flip_at < passed + len(block):
                at = fault.flip_at - passed
                block = block[:at] + bytes([block[at] ^ 0xFF]) + block[at + 1 :]
            passed += len(block)
            if fault.cut_after is not None and passed > fault.cut_after:
                raise ConnectionResetError
            if fault.stall_after is not None and passed > fault.stall_after:
                await asyncio.Event().wait()
            to_store.write(block)
            await to_store.drain()

    async def close(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _answer(store: asyncio.StreamReader, to_worker: asyncio.StreamWriter, fault: Fault) -> None:
    while block := await store.read(_BLOCK_BYTES):
        if fault.lose_answer:
            raise ConnectionResetError
        to_worker.write(block)
        await to_worker.drain()
    to_worker.close()


@asynccontextmanager
async def chaos_proxy(target: str, *faults: Fault) -> AsyncIterator[ChaosProxy]:
    """Serve a proxy on a free port; a small receive window, so that what it does not read stays with the sender."""
    proxy = ChaosProxy(target, faults=deque(faults))
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BLOCK_BYTES)
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(proxy.serve, sock=listener, limit=_BLOCK_BYTES)
    proxy.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        with suppress(asyncio.CancelledError):
            await proxy.close()
