"""Who is asking: from the key in a request's headers to a Caller."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.engine import Connection
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.described import KeyedAnswerer
from orchestrator.caller import Caller
from orchestrator.keys import ADMIN, ParsedKey, parse_key
from orchestrator.services import Services
from orchestrator.store.keys import StoredKey, find_key, mark_used
from orchestrator.store.store import Store
from shared.clock import Clock
from shared.errors import AdapterError
from shared.refusals import Forbidden, Unauthenticated

KEY_MEMORY_MS = 10_000
"""How long a verified key is believed without asking again: the longest that a revoked key lives on."""
USE_NOTED_MS = 60_000
"""How often the time of a key's last use is written at most."""

_MAX_REMEMBERED = 4096
_NO_HASH = bytes(32)

_log = structlog.get_logger()

Answerer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Verified:
    key: StoredKey
    at_ms: int


class Doorkeeper:
    """Verifies keys; remembers the good ones for a moment, by the hash of their secret."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._verified: dict[bytes, _Verified] = {}
        self._used_ms: dict[str, int] = {}
        self._writes: set[asyncio.Task[None]] = set()

    async def caller(self, headers: Headers) -> Caller:
        """Return whose key stands in the headers; Unauthenticated, in the same words, for every other case."""
        parsed = parse_key(key_text(headers))
        key = parsed and await self._key(parsed)
        if not key:
            raise Unauthenticated
        self._note_use(key)
        return Caller(key.tenant, key.id, key.scopes)

    async def _key(self, parsed: ParsedKey) -> StoredKey | None:
        now_ms = self._clock.now_ms()
        digest = parsed.secret_hash
        known = self._verified.get(digest)
        if known and known.key.id == parsed.id and 0 <= now_ms - known.at_ms < KEY_MEMORY_MS:
            return known.key if known.key.valid_at(now_ms) else None
        key = await self._store.read(lambda connection: _matching_key(connection, parsed.id, digest))
        if key is None or not key.valid_at(now_ms):
            self._verified.pop(digest, None)
            return None
        if len(self._verified) >= _MAX_REMEMBERED:
            self._verified.clear()
        self._verified[digest] = _Verified(key, now_ms)
        return key

    def _note_use(self, key: StoredKey) -> None:
        now_ms = self._clock.now_ms()
        if 0 <= now_ms - self._used_ms.get(key.id, key.last_used_ms or 0) < USE_NOTED_MS:
            return
        if len(self._used_ms) >= _MAX_REMEMBERED:
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

    def with_key(self, services: Services, scope: str, answer: KeyedAnswerer) -> Answerer:
        """Return `answer` behind this door: only for callers whose key has `scope` (or is an admin's)."""

        async def behind_the_door(request: Request) -> Response:
            caller = await self.caller(request.headers)
            structlog.contextvars.bind_contextvars(tenant=caller.tenant, key_id=caller.key_id)
            if not caller.scopes & {scope, ADMIN}:
                raise Forbidden(f"This key lacks the scope {scope}.")
            return await answer(services, request, caller)

        return behind_the_door


def key_text(headers: Headers) -> str:
    """Return the text given as a key, or an empty one."""
    given = headers.get("x-api-key")
    if given is not None:
        return given
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _matching_key(connection: Connection, key_id: str, digest: bytes) -> StoredKey | None:
    key = find_key(connection, key_id)
    matches = hmac.compare_digest(key.secret_hash if key else _NO_HASH, digest)
    return key if matches else None
