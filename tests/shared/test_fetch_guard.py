"""The guarded client: what may be reached, and what a server on loopback must never see."""

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import IPv4Address

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from shared.addresses import AllowList, is_public
from shared.errors import SourceBlocked, SourceInvalid, SourceRedirects
from shared.fetch_guard import AddressBlocked, GuardedSession, _next_hop, check_address, guarded_get, guarded_session
from tests.loopback import RawServer, http_answer, raw_server

INVALID = [
    "",
    "example.com",
    "//example.com/x",
    "file:///etc/passwd",
    "ftp://example.com/x",
    "gopher://example.com/x",
    "data:image/png;base64,AAAA",
    "concat:a|b",
    "subfile,,start,0,end,9,,:/etc/passwd",
    "http://",
    "http:///x",
    "http://user@example.com/",
    "http://user:word@example.com/",
    "http://example.com@127.0.0.1/",
    "http://@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com\\.evil.test/",
    "http://127.0.0.1%00.example.com/",
    "http://8.8.8.8%00.example.com/",
    "http://127.0.0.1\0.example.com/",
    "http://example.com/a\tb",
    "http://example.com/a\nb",
    "http://example.com/a\r\nHost: evil",
    "http://exam ple.com/",
    "http://example.com:22/",
    "http://example.com:6379/",
    "http://example.com:0/",
    "http://example.com:99999/",
    "http://example.com:x/",
    "http://8.8.8.8:22/",
    "http://[2606:4700:4700::1111]:22/",
    "http://[::1",
    "http://[]@",
    "http://a..b/",
    "http://1.2.3.4.5/",
    "http://999.1.1.1/",
    "http://134744072/",
    "http://0x8.8.8.8/",
    "http://" + "a" * 64 + ".com/",
    "http://" + ".".join(["a" * 50] * 6) + "/",
    "http://example.com/" + "a" * 10_000,
]
BLOCKED = [
    "http://127.0.0.1/",
    "https://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://127.0.0.1./",
    "http://１２７.0.0.1/",
    "http://127。0。0。1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[fe80::1%25eth0]/",
    "http://169.254.169.254/latest/meta-data",
    "http://[fd00:ec2::254]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://metadata.google.internal/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://ⓛocalhost/",
    "http://printer.local/",
    "http://router.home.arpa/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[2606:4700::5efe:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[::10.0.0.1]/",
]
GOOD = [
    "https://example.com/a.jpg",
    "http://example.com:80/a.jpg?x=1&y=%2F#part",
    "HTTPS://EXAMPLE.COM:443/",
    "https://münchen.example/ä.jpg",
    "https://8.8.8.8/x",
    "https://[2606:4700:4700::1111]/x",
    "https://a_b.example.com/",
    "https://0x.example.com/",
    "https://localhost.example.com/",
]


@pytest.mark.parametrize("url", INVALID)
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SourceInvalid):
        check_address(url)


@pytest.mark.parametrize("url", BLOCKED)
def test_private_address_is_recognised_in_every_spelling(url: str) -> None:
    with pytest.raises(SourceBlocked):
        check_address(url)


@pytest.mark.parametrize("url", GOOD)
def test_usual_address_is_taken(url: str) -> None:
    check_address(url)


PIECES = st.one_of(st.text(max_size=30), st.text(alphabet="0123456789.xXabcdef:[]%@/\\#?-_。１２", max_size=25))


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["http://", "https://", "HTTP://", "http:", "", "//"]), PIECES, PIECES)
def test_any_text_is_refused_in_words_or_names_nothing_private(start: str, middle: str, end: str) -> None:
    url = start + middle + end
    try:
        check_address(url)
    except (SourceInvalid, SourceBlocked):
        return
    host = URL(url, encoded=url.isascii()).raw_host or ""
    try:
        read_by_resolvers = socket.inet_aton(host)
    except OSError:
        return
    assert is_public(IPv4Address(read_by_resolvers))


def test_list_opens_exactly_what_it_names() -> None:
    check_address("http://127.0.0.1:9000/x", ["127.0.0.1:9000"])
    check_address("http://files.lan:8080/x", ["files.lan:8080"])
    check_address("http://10.1.2.3:5000/x", ["10.0.0.0/8"])
    check_address("http://localhost:9000/x", ["127.0.0.0/8"])
    check_address("http://localhost:9000/x", ["localhost:9000"])
    with pytest.raises(SourceBlocked):
        check_address("http://127.0.0.1:9001/x", ["127.0.0.1:9000"])
    with pytest.raises(SourceBlocked):
        check_address("http://192.168.0.1/x", ["10.0.0.0/8"])
    with pytest.raises(SourceInvalid):
        check_address("http://8.8.8.8:9000/x", ["127.0.0.1:9000"])


class Answers(AbstractResolver):
    """Resolves every name to the next of some answers, and counts."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the next answer; the last one again and again."""
        answer = self.answers[min(self.calls, len(self.answers) - 1)]
        self.calls += 1
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in answer
        ]

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
async def sink() -> AsyncIterator[RawServer]:
    """A server that must not be reached."""
    async with raw_server(http_answer(b"secret")) as server:
        yield server


async def read(client: GuardedSession, url: str) -> bytes:
    """GET and return the body."""
    async with guarded_get(client, url) as response:
        return await response.read()


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["::1"], []])
async def test_name_with_any_private_address_is_never_connected_to(sink: RawServer, answer: list[str]) -> None:
    resolver = Answers(answer)
    # With an address listed, whatever it is, a name may have any port: only the answer decides.
    async with guarded_session(["192.0.2.1:9"], resolver) as client:
        with pytest.raises(SourceBlocked):
            await read(client, f"http://evil.example:{sink.port}/")
        assert client.guard.refused == 1
        assert client.guard.checked == 0
    assert (resolver.calls, sink.connections) == (1, 0)


@pytest.mark.parametrize("answer", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"]])
async def test_one_address_that_may_not_be_reached_spoils_the_whole_answer(sink: RawServer, answer: list[str]) -> None:
    async with guarded_session([sink.host_and_port], Answers(answer)) as client:
        with pytest.raises(SourceBlocked):
            await read(client, f"http://mixed.example:{sink.port}/")
        assert client.guard.checked == 0
    assert sink.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"])
async def test_connect_step_stops_literals_although_no_resolver_sees_them(sink: RawServer, host: str) -> None:
    """The check before is left out on purpose: this one has to hold by itself."""
    async with guarded_session() as client:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await client.session.get(f"http://{host}:{sink.port}/")
        assert isinstance(caught.value.os_error, AddressBlocked)
        assert client.guard.refused == 1
    assert sink.connections == 0


async def test_guard_sees_every_connection_that_is_made(sink: RawServer) -> None:
    async with guarded_session([sink.host_and_port]) as client:
        for _ in range(3):
            assert await read(client, sink.base_url) == b"secret"
        assert (client.guard.checked, client.guard.refused) == (3, 0)


async def test_listed_name_may_be_private_and_its_address_is_not_opened_to_others(sink: RawServer) -> None:
    resolver = Answers(["127.0.0.1"])
    async with guarded_session([f"files.lan:{sink.port}", "192.0.2.1:9"], resolver) as client:
        assert await read(client, f"http://files.lan:{sink.port}/") == b"secret"
        with pytest.raises(SourceBlocked):
            await read(client, f"http://evil.example:{sink.port}/")
        with pytest.raises(SourceBlocked):
            await read(client, f"http://127.0.0.1:{sink.port}/")
    assert sink.connections == 1


async def test_rebinding_name_is_looked_up_once_per_connection(sink: RawServer) -> None:
    resolver = Answers(["127.0.0.1"], ["127.0.0.2"])
    async with guarded_session([sink.host_and_port], resolver) as client:
        assert await read(client, f"http://twice.example:{sink.port}/") == b"secret"
        assert resolver.calls == 1
        with pytest.raises(SourceBlocked):
            await read(client, f"http://twice.example:{sink.port}/")
    assert sink.connections == 1


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://169.254.169.254/latest/meta-data", SourceBlocked),
        ("http://localhost/", SourceBlocked),
        ("http://2130706433/", SourceBlocked),
        ("file:///etc/passwd", SourceBlocked),
        ("gopher://127.0.0.1/", SourceBlocked),
        ("http://user@example.com/", SourceBlocked),
        ("http://[::1", SourceRedirects),
        ("http://[]@", SourceRedirects),
        (None, SourceRedirects),
    ],
)
async def test_redirect_is_checked_like_the_first_address(
    sink: RawServer, location: str | None, expected: type[Exception]
) -> None:
    found = http_answer(status="302 Found", location=location) if location else http_answer(status="302 Found")
    async with raw_server(found) as server:
        async with guarded_session([server.host_and_port]) as client:
            with pytest.raises(expected):
                await read(client, server.base_url)
        assert server.connections == 1
    assert sink.connections == 0


async def test_redirect_to_a_private_server_does_not_reach_it(sink: RawServer) -> None:
    async with (
        raw_server(http_answer(status="302 Found", location=f"{sink.base_url}/secret")) as server,
        guarded_session([server.host_and_port]) as client,
    ):
        with pytest.raises(SourceBlocked):
            await read(client, server.base_url)
    assert sink.connections == 0


@pytest.mark.parametrize(("hops", "arrives"), [(3, True), (4, False)])
async def test_three_redirects_are_followed_and_no_more(hops: int, arrives: bool) -> None:
    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        step = int(head.split()[1].strip(b"/") or b"0")
        more = http_answer(status="302 Found", location=f"/{step + 1}")
        writer.write(http_answer(b"there") if step == hops else more)

    async with raw_server(answer) as server, guarded_session([server.host_and_port]) as client:
        if arrives:
            assert await read(client, server.base_url) == b"there"
        else:
            with pytest.raises(SourceRedirects):
                await read(client, server.base_url)
        assert server.connections == 4


async def test_nothing_ambient_is_used_or_sent(sink: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy from the environment, no cookie of an earlier answer, no wish for compression."""
    cookie = http_answer(b"x", set_cookie="a=1")
    async with raw_server(cookie) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, sink.base_url)
        async with guarded_session([f"files.lan:{server.port}"], Answers(["127.0.0.1"])) as client:
            for _ in range(2):
                await read(client, f"http://files.lan:{server.port}/")
        head = server.heads[1].lower()
        assert b"cookie" not in head
        assert b"authorization" not in head
        assert b"accept-encoding: identity" in head
    assert sink.connections == 0


async def test_signed_address_arrives_as_it_was_written(sink: RawServer) -> None:
    async with guarded_session([sink.host_and_port]) as client:
        await read(client, f"{sink.base_url}/a%2Fb%20c?sig=%2B%7E+x%3d&empty=")
    assert sink.heads[0].startswith(b"GET /a%2Fb%20c?sig=%2B%7E+x%3d&empty= HTTP/1.1\r\n")


def test_step_down_from_https_to_http_is_refused() -> None:
    nothing = AllowList()
    assert str(_next_hop(URL("http://a.example/x/y"), "https://b.example/z", nothing)) == "https://b.example/z"
    assert str(_next_hop(URL("https://a.example/x/y"), "../z?q=1", nothing)) == "https://a.example/z?q=1"
    for location in ("http://a.example/x", "HTTP://b.example/"):
        with pytest.raises(SourceBlocked):
            _next_hop(URL("https://a.example/x"), location, nothing)
