"""The client for our own storage: a connection is used once, so that no request meets a broken one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

CONNECT_S = 10.0
STALL_S = 60.0
"""How long no byte may move before a connection is given up."""


@asynccontextmanager
async def own_session() -> AsyncIterator[aiohttp.ClientSession]:
    """Open a client for our own storage, which is believed: its addresses are granted, not a user's."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=STALL_S),
    ) as session:
        yield session
