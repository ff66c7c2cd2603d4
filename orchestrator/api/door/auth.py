"""Who is asking: from the key in a request's headers to a Caller."""

import asyncio
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.engine import Connection
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.access import ANSWER_HEADERS
from orchestrator.api.door.described import KeyedAnswerer
from orchestrator.api.door.limits import RateLimits
from orchestrator.caller import Caller
from orchestrator.keys import ADMIN, ParsedKey, parse_key
from orchestrator.quotas import Quota
from orchestrator.services import Services
from orchestrator.store.keys import StoredKey, find_key, mark_used
from orchestrator.store.store import Store
from shared.clock import Clock
from shared.errors import AdapterError
from shared.refusals import Forbidden, TenantSuspended, TooManyRequests, Unauthenticated

KEY_MEMORY_MS = 10_000
"""How long a verified key is believed without asking again: the longest that a revoked key lives on."""
USE_NOTED_MS = 60_000
"""How often the time of a key's last use is written at most."""
MAX_REMEMBERED = 4096
"""How many keys are known at most; one more, and what is known of them begins anew."""

_NO_HASH = bytes(32)

_log = structlog.get_logger()

Answerer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Verified:
    key: StoredKey
    at_ms: int


class Doorkeeper:
    """Verifies keys; remembers the good ones for a moment, by the hash of their secret."""

    def __init__(self, store: Store, clock: Clock, quotas: Sequence[Quota] = (), failed: Sequence[Quota] = ()) -> None:
        """`quotas` are each key's, `failed` are those of an address for requests without a valid key."""
        self._store = store
        self._clock = clock
        self._limits = RateLimits(quotas, clock)
        self._failures = RateLimits(failed, clock)
        self._verified: dict[bytes, _Verified] = {}
        self._used_ms: dict[str, int] = {}
        self._writes: set[asyncio.Task[None]] = set()

    async def _authenticated(self, request: Request) -> StoredKey:
        """Return the key in the headers; Unauthenticated, in the same words, for every other case.

        Who fails too often from one address gets TooManyRequests instead, before the database is asked. Keys that were
        good here before pass all the same: they may come through the same proxy as the one who guesses.
        """
        parsed = parse_key(key_text(request.headers))
        if parsed is None or parsed.secret_hash not in self._verified:
            refusal = self._failures.look(address_of(request))
            if refusal:
                raise TooManyRequests("Too many requests without a valid key came from here.", refusal.retry_after_s)
        key = parsed and await self._key(parsed)
        if not key:
            self._failures.take(address_of(request))
            raise Unauthenticated
        self._note_use(key)
        return key

    async def _key(self, parsed: ParsedKey) -> StoredKey | None:
        now_ms = self._clock.now_ms()
        digest = parsed.secret_hash
        known = self._verified.get(digest)
        if known and known.key.id == parsed.id and 0 <= now_ms - known.at_ms < KEY_MEMORY_MS:
            return known.key if known.key.valid_at(now_ms) else None
        key = await self._store.glance(lambda connection: _matching_key(connection, parsed.id, digest))
        if key is None or not key.valid_at(now_ms):
            self._verified.pop(digest, None)
            return None
        if digest not in self._verified and len(self._verified) >= MAX_REMEMBERED:
            self._verified.clear()
        self._verified[digest] = _Verified(key, now_ms)
        return key

    def _note_use(self, key: StoredKey) -> None:
        now_ms = self._clock.now_ms()
        if 0 <= now_ms - self._used_ms.get(key.id, key.last_used_ms or 0) < USE_NOTED_MS:
            return
        if len(self._used_ms) >= MAX_REMEMBERED:
            self._used_ms.clear()
        self._used_ms[key.id] = now_ms
        write = asyncio.create_task(self._write_use(key, now_ms))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def _write_use(self, key: StoredKey, now_ms: int) -> None:
        try:
            await self._store.write(lambda connection: mark_used(connection, key.id, now_ms))
        except AdapterError as failed:
            _log.warning("key.use_unnoted", code=failed.code)

    async def admit(self, request: Request, scope: str | None) -> Caller:
        """Return who asks, if the key has `scope` (or is an admin's, or none is needed), and count the request.

        Unauthenticated, TooManyRequests, TenantSuspended, Forbidden. The answer gets the headers on rate limits.
        """
        key = await self._authenticated(request)
        structlog.contextvars.bind_contextvars(tenant=key.tenant, key_id=key.id)
        verdict = self._limits.take(key.id)
        if verdict.remaining:
            request.scope["state"][ANSWER_HEADERS] = (
                (b"ratelimit-policy", self._limits.policy.encode()),
                (b"ratelimit", verdict.remaining.encode()),
            )
        if verdict.refusal:
            raise verdict.refusal
        if key.suspended:
            raise TenantSuspended
        if scope is not None and not key.scopes & {scope, ADMIN}:
            raise Forbidden(f"This key lacks the scope {scope}.")
        return Caller(key.tenant, key.id, key.scopes, key.source_hosts)

    def with_key(self, services: Services, scope: str | None, answer: KeyedAnswerer) -> Answerer:
        """Return `answer` behind this door: only for callers that `admit` lets in."""

        async def behind_the_door(request: Request) -> Response:
            return await answer(services, request, await self.admit(request, scope))

        return behind_the_door


def key_text(headers: Headers) -> str:
    """Return the text given as a key, or an empty one."""
    given = headers.get("x-api-key")
    if given is not None:
        return given
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def address_of(request: Request) -> str:
    """Return the address that a request came from; of an IPv6 one the network (/64), of which one host has many."""
    host = request.client.host if request.client else ""
    if ":" not in host:
        return host
    try:
        return str(ipaddress.ip_network((host.partition("%")[0], 64), strict=False))
    except ValueError:
        return host


def _matching_key(connection: Connection, key_id: str, digest: bytes) -> StoredKey | None:
    key = find_key(connection, key_id)
    matches = hmac.compare_digest(key.secret_hash if key else _NO_HASH, digest)
    return key if matches else None
