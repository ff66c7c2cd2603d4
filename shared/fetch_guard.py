"""The one way to reach an address that a user names: every connection is checked, whatever the name resolved to."""

import re
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, NoReturn

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from shared.addresses import AllowList, IpAddress, is_public, parse_ip
from shared.errors import SourceBlocked, SourceInvalid, SourceRedirects
from shared.network.resolver import ThreadsResolver

MAX_URL_CHARACTERS = 2048
MAX_HOST_CHARACTERS = 253  # RFC 1035 §2.3.4, as text
MAX_REDIRECTS = 3
_LOOK_UPS = 8
"""Names that are looked up at once, by a session that brings no resolver of its own."""
USUAL_PORTS = frozenset({80, 443})

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_NUMERIC_END = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\.?$")  # WHATWG URL standard, "ends in a number"
# Names that never lead out of the local network: RFC 6761, 6762, 8375, and ICANN's private-use domain.
_LOOPBACK_NAME = re.compile(r"(^|\.)localhost$")
_LOCAL_NAME = re.compile(r"(^|\.)(local|internal|home\.arpa)\.?$")


class AddressBlocked(PermissionError):
    """A connection was refused before it was opened; an OSError, so that aiohttp's connector handles it as one."""

    def __init__(self) -> None:
        """Say nothing of the address: the text may travel."""
        super().__init__("not a public address")


# --- without the network ----------------------------------------------------------------------------------


def check_address(url: str, allow_private: Iterable[str] = (), only_hosts: Iterable[str] | None = None) -> None:
    """Refuse what needs no look-up to be refused.

    `allow_private` holds ``host:port`` and CIDR entries; `only_hosts`, unless None, those besides which none may be
    named. SourceInvalid for text that is no plain http(s) address, SourceBlocked for one that is literally private,
    in whatever spelling, or whose host is not listed.
    """
    _parse(url, AllowList.parse(allow_private, only_hosts))


def check_webhook_address(url: str, allow_private: Iterable[str] = ()) -> None:
    """Refuse like `check_address`, and http too unless the very host and port, or the literal address, is listed."""
    allowed = AllowList.parse(allow_private)
    address = _parse(url, allowed)
    host, port = (address.raw_host or "").lower(), address.port or 0
    literal = _literal(host)
    listed = allowed.names(host, port) or (literal is not None and allowed.covers(literal, port))
    if address.scheme != "https" and not listed:
        raise SourceInvalid("A webhook's address must begin with https://.")


def _parse(text: str, allowed: AllowList) -> URL:
    """Return `text` as the very object that the client will use; the errors of check_address."""
    if not 0 < len(text) <= MAX_URL_CHARACTERS or _FORBIDDEN.search(text):
        raise SourceInvalid(f"An address is at most {MAX_URL_CHARACTERS} characters, without spaces or backslashes.")
    try:
        # Signed addresses must arrive as they were written, so nothing is quoted anew where nothing needs it.
        url = URL(text, encoded=text.isascii())
        host, port = (url.raw_host or "").lower(), url.port or 0
    except Exception as error:
        raise SourceInvalid from error
    if url.scheme not in ("http", "https"):
        raise SourceInvalid("Only http and https addresses are taken.")
    if url.raw_user is not None or url.raw_password is not None or "@" in url.raw_authority:
        raise SourceInvalid("An address must not hold a user name or a password.")
    _check_host(host, port, allowed)
    if allowed.only is not None and not allowed.only.admits(host):
        hosts = ", ".join(allowed.only.entries()) or "no host at all"
        raise SourceBlocked(f"The address's host is none of those that this tenant's inputs may come from: {hosts}.")
    return url


def _check_host(host: str, port: int, allowed: AllowList) -> None:
    if not host or len(host) > MAX_HOST_CHARACTERS:
        raise SourceInvalid("The address names no valid host.")
    if allowed.names(host, port):
        return
    literal = _literal(host)
    if literal is not None:
        if not _permitted(literal, port, allowed):
            _refuse(literal, port)
    elif not _HOST_NAME.fullmatch(host):
        raise SourceInvalid("The address names no valid host.")
    elif allowed.networks or allowed.endpoints:
        # Its address may be a listed one; that is seen when connecting.
        return
    elif _LOCAL_NAME.search(host):
        raise SourceBlocked
    elif port not in USUAL_PORTS:
        raise SourceInvalid("Only the ports 80 and 443 are taken.")


def _literal(host: str) -> IpAddress | None:
    """Return the address if `host` is one, and None if it is a name.

    Names under localhost are loopback, whatever a resolver says (RFC 6761 §6.3).
    Resolvers read more than dotted quads (127.1, 0x7f.1, 2130706433, 0177.0.0.1; see inet_aton(3)): private
    addresses are recognised in those forms, public ones in those forms are refused, as nobody means them.
    """
    host = host.rstrip(".")
    if _LOOPBACK_NAME.search(host):
        return IPv4Address("127.0.0.1")
    try:
        return parse_ip(host)
    except ValueError:
        pass
    if ":" in host:
        raise SourceInvalid("The address names no valid host.")
    if not _NUMERIC_END.search(host):
        return None
    try:
        address = IPv4Address(socket.inet_aton(host))
    except OSError as error:
        raise SourceInvalid("The address names no valid host.") from error
    if is_public(address):
        raise SourceInvalid("A numeric address must be written as four decimal numbers.")
    return address


def _permitted(address: IpAddress, port: int, allowed: AllowList) -> bool:
    return allowed.covers(address, port) or (port in USUAL_PORTS and is_public(address))


def _refuse(address: IpAddress, port: int) -> NoReturn:
    if is_public(address) and port not in USUAL_PORTS:
        raise SourceInvalid("Only the ports 80 and 443 are taken.")
    raise SourceBlocked


# --- when connecting --------------------------------------------------------------------------------------


class AddressGuard:
    """Stands in the connect step: sees each address, literal or resolved, that a session is about to reach."""

    def __init__(self, allowed: AllowList) -> None:
        """`checked` counts the connections that were looked at, `refused` those that were not let through."""
        self._allowed = allowed
        self._admitted: set[tuple[IpAddress, int]] = set()
        self.checked = 0
        self.refused = 0

    def admit_answer(self, host: str, port: int, addresses: Iterable[IpAddress]) -> None:
        """Refuse a name unless all of its addresses may be reached: a mixed answer is an attack or a mistake."""
        found = set(addresses)
        if self._allowed.names(host, port):
            self._admitted.update((address, port) for address in found)
        elif not found or not all(_permitted(address, port, self._allowed) for address in found):
            self.refused += 1
            raise AddressBlocked

    def open_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Return a socket for a `getaddrinfo` entry; aiohttp calls this for every attempt to connect."""
        family, kind, protocol, _, (host, port, *_) = info
        address = parse_ip(host)
        self.checked += 1
        if (address, port) not in self._admitted and not _permitted(address, port, self._allowed):
            self.refused += 1
            raise AddressBlocked
        return socket.socket(family, kind, protocol)


class GuardedResolver(AbstractResolver):
    """Asks `inner` once and passes its answer on only if the guard admits all of it."""

    def __init__(self, guard: AddressGuard, inner: AbstractResolver) -> None:
        self._guard = guard
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of `host`; AddressBlocked unless all may be reached."""
        answer = await self._inner.resolve(host, port, family)
        self._guard.admit_answer(host, port, [parse_ip(entry["host"]) for entry in answer])
        return answer

    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()


@dataclass(frozen=True, slots=True)
class GuardedSession:
    """A client for user-named addresses only: no cookies, no ambient proxy, nothing inflated, redirects by hand."""

    guard: AddressGuard
    allowed: AllowList
    session: aiohttp.ClientSession


@asynccontextmanager
async def guarded_session(
    allow_private: Iterable[str] = (),
    resolver: AbstractResolver | None = None,
    only_hosts: Iterable[str] | None = None,
) -> AsyncIterator[GuardedSession]:
    """Open a guarded client; `resolver` takes the place of the system's (it is guarded all the same).

    `allow_private` and `only_hosts` as `check_address` has them; they hold for every redirect as well.
    """
    allowed = AllowList.parse(allow_private, only_hosts)
    guard = AddressGuard(allowed)
    names = resolver or ThreadsResolver(_LOOK_UPS)
    connector = aiohttp.TCPConnector(
        resolver=GuardedResolver(guard, names),
        socket_factory=guard.open_socket,
        use_dns_cache=False,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        headers={"Accept-Encoding": "identity", "User-Agent": "Revela"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30),
    ) as session:
        try:
            yield GuardedSession(guard, allowed, session)
        finally:
            if resolver is None:
                await names.close()


@asynccontextmanager
async def guarded_get(client: GuardedSession, url: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """GET `url` through at most MAX_REDIRECTS redirects, each checked like the first; yield the last answer.

    SourceInvalid, SourceBlocked, SourceRedirects; aiohttp.ClientError and TimeoutError for a server that fails.
    No deadline of its own: put it under `asyncio.timeout`.
    """
    address = _parse(url, client.allowed)
    for _ in range(MAX_REDIRECTS + 1):
        async with _ask_once(client, "GET", address) as response:
            if response.status not in (301, 302, 303, 307, 308):
                yield response
                return
            address = _next_hop(address, response.headers.get("Location"), client.allowed)
    raise SourceRedirects


@asynccontextmanager
async def guarded_post(
    client: GuardedSession, url: str, body: bytes, headers: Mapping[str, str]
) -> AsyncIterator[aiohttp.ClientResponse]:
    """POST `body` to `url` on a connection of its own, so that its address is checked; yield the answer, any answer.

    A redirect is an answer like others and is not followed. Raises as `guarded_get` does, and has no deadline either.
    """
    address = _parse(url, client.allowed)
    alone = {**headers, "Connection": "close"}
    async with _ask_once(client, "POST", address, data=body, headers=alone) as response:
        yield response


@asynccontextmanager
async def _ask_once(
    client: GuardedSession, method: str, address: URL, **options: Any
) -> AsyncIterator[aiohttp.ClientResponse]:
    try:
        response = await client.session.request(method, address, allow_redirects=False, **options)
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, AddressBlocked):
            raise SourceBlocked from error
        raise
    async with response:
        yield response


def _next_hop(address: URL, location: str | None, allowed: AllowList) -> URL:
    """Return where a redirect leads; SourceRedirects for nowhere, SourceBlocked for a step down from https."""
    if not location:
        raise SourceRedirects
    try:
        target = address.join(URL(location, encoded=location.isascii() and " " not in location))
    except Exception as error:
        raise SourceRedirects from error
    try:
        checked = _parse(str(target), allowed)
    except SourceInvalid as error:
        raise SourceBlocked("The source's server redirects to an address that can't be used.") from error
    if address.scheme == "https" and checked.scheme == "http":
        raise SourceBlocked("The source's server redirects from https to http.")
    return checked
