"""The link to the pool: requests with the worker's token, and whether the pool is there to answer them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import structlog
from yarl import URL

from revela.failures import ServerUnreachable

AWAY_STATUSES = frozenset({429, 502, 503, 504})
"""What a proxy says for a server that is away, and a pool for its store."""
_CONNECT_S = 10.0
log = structlog.get_logger()


class PoolAway(ServerUnreachable):
    """The pool can't be reached, or it can't answer now."""


@dataclass(frozen=True, slots=True)
class PoolAnswer:
    """What the pool said, read whole."""

    status: int
    content_type: str
    body: bytes


class PoolLink:
    """One worker's way to its pool; says once that the pool is away and once that it is back."""

    def __init__(self, session: aiohttp.ClientSession, pool_url: str, worker_id: str, token: str) -> None:
        self.pool_url = pool_url
        self.worker_id = worker_id
        self._session = session
        self._headers = {"Authorization": token, "Content-Type": "application/json"}
        self._away_since_s: float | None = None

    async def exchange(
        self, method: str, path_and_query: str, *, timeout_s: float, body: bytes | None = None
    ) -> PoolAnswer:
        """Send one request and return its answer, redirects included; PoolAway if nobody can answer it now."""
        began_s = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_S)
        address = URL(f"{self.pool_url}{path_and_query}", encoded=True)
        try:
            async with self._session.request(
                method, address, data=body, headers=self._headers, timeout=timeout, allow_redirects=False
            ) as response:
                answer = PoolAnswer(response.status, response.content_type, await response.read())
        except (aiohttp.ClientError, OSError) as failed:  # TimeoutError is an OSError
            raise self.lost(str(failed) or "it does not answer") from failed
        if answer.status in AWAY_STATUSES:
            raise self.lost(f"it answers {answer.status}")
        if answer.status < 300:
            self._found(began_s)
        return answer

    def lost(self, reason: str) -> PoolAway:
        """Note that the pool is away; return the error that says so."""
        if self._away_since_s is None:
            self._away_since_s = time.monotonic()
            log.warning("pool.away", pool=self.pool_url, reason=reason)
        return PoolAway(f"{self.pool_url}: {reason}")

    def _found(self, began_s: float) -> None:
        """Note an answer; one to a request from before the pool was lost proves nothing."""
        if self._away_since_s is not None and began_s > self._away_since_s:
            log.info("pool.back", pool=self.pool_url, away_s=round(time.monotonic() - self._away_since_s, 1))
            self._away_since_s = None


@asynccontextmanager
async def pool_link(pool_url: str, worker_id: str, token: str) -> AsyncIterator[PoolLink]:
    """Open a link that keeps no connection: a post on one that was closed meanwhile would be lost."""
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield PoolLink(session, pool_url, worker_id, token)
