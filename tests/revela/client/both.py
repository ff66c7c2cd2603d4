"""The blocking and the asynchronous client, called in the same way, so that each test is true of both."""

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any, Protocol

from revela import AsyncClient, Client, Patience

QUICK = Patience(attempts=4, first_pause_s=0.01, longest_pause_s=0.05, longest_asked_s=2)


class Caller(Protocol):
    """Makes one call of a client."""

    def __call__(self, url: str, method: str, *args: Any, **options: Any) -> Any:
        """Return what the method of a fresh client returns; a list of what it yields."""
        ...


def call_blocking(url: str, method: str, *args: Any, **options: Any) -> Any:
    """Call a method of `Client`."""
    with Client(url, "rv_key", patience=QUICK) as client:
        result = getattr(client, method)(*args, **options)
        return list(result) if isinstance(result, Iterator) else result


def call_asynchronous(url: str, method: str, *args: Any, **options: Any) -> Any:
    """Call a method of `AsyncClient`."""

    async def call() -> Any:
        async with AsyncClient(url, "rv_key", patience=QUICK) as client:
            result = getattr(client, method)(*args, **options)
            return await result if inspect.isawaitable(result) else [one async for one in result]

    return asyncio.run(call())
