"""Small servers on 127.0.0.1 for tests: an object store that can be told to fail, and one that says raw bytes."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web

DROP = 0
"""In place of a status: close the connection without an answer."""
LOSE = -1
"""The same, after the object was stored."""


@dataclass
class StoredObject:
    """What a PUT left."""

    body: bytes
    headers: dict[str, str]


@dataclass
class ObjectServer:
    """Keeps what is PUT, serves it by GET, and remembers every request."""

    base_url: str = ""
    objects: dict[str, StoredObject] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(method, key), in the order of arrival."""
    faults: dict[tuple[str, str], deque[int]] = field(default_factory=lambda: defaultdict(deque))
    """By method and key: statuses to answer with, or DROP or LOSE, before requests are served again."""
    gates: dict[tuple[str, str], asyncio.Event] = field(default_factory=dict)
    """By method and key: the request waits until the event is set."""
    in_hand: int = 0
    most_in_hand: int = 0

    def url(self, key: str) -> str:
        """Return the address of an object, there or not."""
        return f"{self.base_url}/{key}"

    @property
    def host_and_port(self) -> str:
        """Return what an allow list wants."""
        return self.base_url.removeprefix("http://")

    def put(self, key: str, body: bytes) -> str:
        """Store an object, without a request; return its address."""
        self.objects[key] = StoredObject(body, {})
        return self.url(key)

    def fail(self, method: str, key: str, *statuses: int) -> None:
        """Answer the next requests so."""
        self.faults[method, key].extend(statuses)

    def gate(self, method: str, key: str) -> asyncio.Event:
        """Hold such requests until the returned event is set."""
        return self.gates.setdefault((method, key), asyncio.Event())

    def count(self, method: str, key: str) -> int:
        """Return how often this was asked."""
        return self.requests.count((method, key))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve one request."""
        key = request.match_info["key"]
        self.requests.append((request.method, key))
        self.in_hand += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand)
        try:
            if gate := self.gates.get((request.method, key)):
                await gate.wait()
            if faults := self.faults.get((request.method, key)):
                fault = faults.popleft()
                if fault == LOSE:
                    await self._store(request, key)
                return _fault(request, DROP if fault == LOSE else fault)
            return await self._store(request, key) if request.method == "PUT" else self._read(key)
        finally:
            self.in_hand -= 1

    async def _store(self, request: web.Request, key: str) -> web.Response:
        self.objects[key] = StoredObject(await request.read(), dict(request.headers))
        return web.Response(status=201)

    def _read(self, key: str) -> web.Response:
        found = self.objects.get(key)
        return web.Response(body=found.body) if found else web.Response(status=404)


def _fault(request: web.Request, status: int) -> web.Response:
    if status == DROP and request.transport:
        request.transport.abort()
    return web.Response(status=status or 500)


@asynccontextmanager
async def object_server() -> AsyncIterator[ObjectServer]:
    """Serve an empty store on a free port."""
    server = ObjectServer()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{key:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawServer:
    """Counts the connections it gets; what it says is up to the test."""

    port: int = 0
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    """The request heads that arrived."""

    @property
    def base_url(self) -> str:
        """Return the address without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def host_and_port(self) -> str:
        """Return what an allow list wants."""
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def raw_server(answer: Answer | bytes = b"") -> AsyncIterator[RawServer]:
    """Serve on a free port: `answer(request head, writer)`, or these bytes, then close."""
    state = RawServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            state.heads.append(head)
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(head, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        # Not wait_closed: it would wait for a client that a test keeps hanging on purpose.


def http_answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """Return an HTTP/1.1 answer with its Content-Length, unless `headers` give another or Transfer-Encoding."""
    fields = {"content_length": str(len(body)), "connection": "close", **headers}
    if "transfer_encoding" in fields:
        del fields["content_length"]
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-').title()}: {text}" for name, text in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
