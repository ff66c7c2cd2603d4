"""What is no plain HTTP request, or takes too long to become one, never reaches the app. All over raw sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from starlette.types import Receive, Scope, Send

from orchestrator.api.door.connection import StrictConnection
from tests.serving import serving_here
from tests.waiting import until

HOST = b"host: x\r\n"


class Hasty(StrictConnection):
    """The same with less patience, so that a test need not have more."""

    head_s = 0.3
    body_s = 0.3
    body_bytes_per_s = 1000
    max_connections = 8


@dataclass
class Echo:
    """An app that reads a request whole and says how much it was."""

    port: int = 0
    begun: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    may_read: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.append(scope["path"])
        if scope["path"] == "/at-once":
            await self._answer(send, b"before the body")
            return
        if scope["path"] == "/later":
            await self.may_read.wait()
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.bodies.append(body)
        await self._answer(send, b"%d" % len(body))

    async def _answer(self, send: Send, body: bytes) -> None:
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def said(self, *asked: bytes) -> bytes:
        """Return everything that is answered until the server closes."""
        async with self.connected() as (reader, writer):
            for part in asked:
                writer.write(part)
            return await asyncio.wait_for(reader.read(), 10)


@pytest.fixture
async def app() -> AsyncIterator[Echo]:
    echo = Echo()
    async with serving_here(echo, http=Hasty) as url:
        echo.port = int(url.rpartition(":")[2])
        yield echo


def problem(answer: bytes) -> tuple[int, str]:
    """Return the status and code of an answer, which must be one whole problem and the connection's last word."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    told = json.loads(body)
    assert status.split()[1] == str(told["status"])
    return told["status"], told["code"]


def get(*lines: bytes, version: bytes = b"1.1", path: bytes = b"/") -> bytes:
    return b"GET %b HTTP/%b\r\n" % (path, version) + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(*lines: bytes, body: bytes = b"", path: bytes = b"/") -> bytes:
    return b"POST %b HTTP/1.1\r\n" % path + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


NOT_HTTP = {
    "a length and chunks": post(b"content-length: 3", b"transfer-encoding: chunked", body=b"0\r\n\r\n"),
    "chunks and a length": post(b"transfer-encoding: chunked", b"content-length: 3", body=b"0\r\n\r\n"),
    "two lengths": post(b"content-length: 3", b"content-length: 4", body=b"abcd"),
    "one length twice": post(b"content-length: 3", b"content-length: 3", body=b"abc"),
    "a list of lengths": post(b"content-length: 3, 3", body=b"abc"),
    "a negative length": post(b"content-length: -1"),
    "a length with a sign": post(b"content-length: +3", body=b"abc"),
    "a length in hexadecimal": post(b"content-length: 0x3", body=b"abc"),
    "a length without digits": post(b"content-length: "),
    "a length of 30 digits": post(b"content-length: " + b"9" * 30),
    "a coding that nobody knows": post(b"transfer-encoding: xchunked", body=b"0\r\n\r\n"),
    "two codings": post(b"transfer-encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "two headers of codings": post(b"transfer-encoding: chunked", b"transfer-encoding: chunked", body=b"0\r\n\r\n"),
    "chunks in HTTP/1.0": get(b"host: x", b"transfer-encoding: chunked", version=b"1.0") + b"0\r\n\r\n",
    "no host": get(),
    "two hosts": get(b"host: x", b"host: x"),
    "a folded header": get(b"host: x", b"x-a: b", b" c"),
    "a space before the colon": get(b"host: x", b"x-a : b"),
    "a bare CR": get(b"host: x", b"x-a: b\rc"),
    "bare LFs": b"GET / HTTP/1.1\nhost: x\n\n",
    "NUL in a header": get(b"host: x", b"x-a: b\0c"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a path beyond ASCII": get(b"host: x", path="/é".encode()),
    "no path": get(b"host: x", path=b""),
}


@pytest.mark.parametrize("raw", NOT_HTTP.values(), ids=NOT_HTTP)
async def test_what_has_no_one_plain_reading_is_refused(app: Echo, raw: bytes) -> None:
    assert problem(await app.said(raw)) == (400, "not-http")
    assert app.begun == []


TOO_LARGE = {
    "2000 headers": (get(b"host: x", *(b"x-%d: a" % n for n in range(2000))), 431, "head-too-large"),
    "101 headers": (get(b"host: x", *(b"x-%d: a" % n for n in range(100))), 431, "head-too-large"),
    "a header of 100 kB": (get(b"host: x", b"x-a: " + b"a" * 100_000), 431, "head-too-large"),
    "a head without end": (b"GET / HTTP/1.1\r\nx-a: " + b"a" * 5_000_000, 431, "head-too-large"),
    "an address of 9 kB": (get(b"host: x", path=b"/" + b"a" * 9000), 414, "url-too-long"),
    "an address without end": (b"GET /" + b"a" * 1_000_000, 431, "head-too-large"),
}


@pytest.mark.parametrize(("raw", "status", "code"), TOO_LARGE.values(), ids=TOO_LARGE)
async def test_a_head_that_is_too_large_is_refused(app: Echo, raw: bytes, status: int, code: str) -> None:
    assert problem(await app.said(raw)) == (status, code)
    assert app.begun == []


GOOD = {
    "HTTP/1.0 without a host": (get(version=b"1.0"), 0),
    "100 headers": (get(b"host: x", b"connection: close", *(b"x-%d: a" % n for n in range(98))), 0),
    "16 kB of headers": (get(b"host: x", b"connection: close", b"x-a: " + b"a" * 16_000), 0),
    "chunks": (post(b"connection: close", b"Transfer-Encoding: Chunked", body=b"3\r\nabc\r\n0\r\n\r\n"), 3),
    "a length": (post(b"connection: close", b"content-length: 3", body=b"abc"), 3),
    "empty lines before": (b"\r\n\r\n" + get(b"host: x", b"connection: close"), 0),
}


@pytest.mark.parametrize(("raw", "size"), GOOD.values(), ids=GOOD)
async def test_plain_requests_are_taken(app: Echo, raw: bytes, size: int) -> None:
    answer = await app.said(raw)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n%d" % size)


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nhost: x\r\n", b"\r\n"])
async def test_a_head_that_never_comes_ends_the_connection_in_silence(app: Echo, sent: bytes) -> None:
    began_s = asyncio.get_running_loop().time()
    assert await app.said(sent) == b""
    assert 0.25 < asyncio.get_running_loop().time() - began_s < 3
    assert app.begun == []


async def dripped(app: Echo, first: bytes, drops: Iterable[bytes], pause_s: float = 0.05) -> bytes:
    """Send a drop at a time until the server has enough; return what it said."""
    async with app.connected() as (reader, writer):
        writer.write(first)
        answer = asyncio.ensure_future(reader.read())
        for drop in drops:
            done, _ = await asyncio.wait({answer}, timeout=pause_s)
            if done:
                return answer.result()
            writer.write(drop)
        return await asyncio.wait_for(answer, 10)


async def test_a_head_that_drips_is_cut_off(app: Echo) -> None:
    began_s = asyncio.get_running_loop().time()
    drops = (b"x-%d: a\r\n" % n for n in range(90))
    assert await dripped(app, b"GET / HTTP/1.1\r\nhost: x\r\n", drops) == b""
    assert asyncio.get_running_loop().time() - began_s < 3
    assert app.begun == []


async def test_empty_lines_do_not_keep_a_connection(app: Echo) -> None:
    began_s = asyncio.get_running_loop().time()
    answer = await dripped(app, get(b"host: x"), (b"\r\n" for _ in range(90)))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert asyncio.get_running_loop().time() - began_s < 3


@pytest.mark.parametrize(
    "head",
    [post(b"content-length: 100000"), post(b"transfer-encoding: chunked", body=b"fffff\r\n")],
    ids=["length", "chunks"],
)
async def test_a_body_that_drips_is_answered_with_408(app: Echo, head: bytes) -> None:
    answer = await dripped(app, head, (b"a" for _ in range(90)))
    assert problem(answer) == (408, "request-timeout")
    assert (app.begun, app.bodies) == (["/"], [])


async def test_a_body_that_comes_steadily_may_take_long(app: Echo) -> None:
    """20 kB at 10 kB/s, where 1 kB/s is asked: seven times what a body has that does not come."""
    head = post(b"connection: close", b"content-length: 20000")
    answer = await dripped(app, head, (b"a" * 500 for _ in range(40)))
    assert answer.endswith(b"20000")


async def test_time_in_which_the_app_does_not_read_is_not_the_clients(app: Echo) -> None:
    body = b"a" * 1_000_000
    async with app.connected() as (reader, writer):
        writer.write(post(b"connection: close", b"content-length: 1000000", path=b"/later", body=body))
        await until(lambda: app.begun)
        await asyncio.sleep(1)  # more than three times the deadline: nothing must happen, so nothing can be awaited
        app.may_read.set()
        answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.endswith(b"\r\n\r\n1000000")


async def test_a_body_that_nobody_reads_ends_without_a_second_answer(app: Echo) -> None:
    answer = await app.said(post(b"content-length: 100000", path=b"/at-once"))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"before the body")


async def test_rubbish_after_a_request_does_not_fall_into_its_answer(app: Echo) -> None:
    answer = await app.said(post(b"content-length: 3", path=b"/later", body=b"abc") + b"rubbish\r\n\r\n")
    assert answer == b""
    app.may_read.set()


async def test_rubbish_after_an_answer_is_told_as_such(app: Echo) -> None:
    async with app.connected() as (reader, writer):
        writer.write(get(b"host: x"))
        first = await reader.readuntil(b"\r\n\r\n0")
        writer.write(b"rubbish\r\n\r\n")
        assert problem(await asyncio.wait_for(reader.read(), 10)) == (400, "not-http")
    assert first.startswith(b"HTTP/1.1 200")


async def test_one_connection_serves_requests_after_each_other_and_ahead(app: Echo) -> None:
    async with app.connected() as (reader, writer):
        for _ in range(3):
            writer.write(post(b"content-length: 3", body=b"abc"))
            await reader.readuntil(b"\r\n\r\n3")
        writer.write(get(b"host: x") * 3)
        for _ in range(3):
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 5)
        await asyncio.sleep(0.7)  # between requests a connection is kept for much longer than a head may take
        writer.write(get(b"host: x"))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 5)


async def test_connections_beyond_the_cap_are_told_so_and_the_others_go_on(app: Echo) -> None:
    async with app.connected() as (reader, writer):
        writer.write(get(b"host: x"))
        await reader.readuntil(b"\r\n\r\n0")
        others = [await asyncio.open_connection("127.0.0.1", app.port) for _ in range(7)]
        refused = await app.said()
        assert problem(refused) == (503, "server-busy")
        assert b"retry-after: " in refused
        writer.write(get(b"host: x"))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 5)
        for _, other in others:
            other.close()
