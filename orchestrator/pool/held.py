"""Long polls: a request that is held open until something happens, its time is over, or the caller has gone."""

import asyncio
from types import TracebackType
from typing import Self

from starlette.requests import Request


class Doorbell:
    """Wakes those who wait for a job: first come, first served."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Event, None] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def join(self) -> asyncio.Event:
        """Stand in line; the event is set when it is one's turn. Join before looking, or a ring is missed."""
        event = asyncio.Event()
        self._waiting[event] = None
        return event

    def leave(self, event: asyncio.Event) -> None:
        """Step out of the line."""
        self._waiting.pop(event, None)

    def ring(self, count: int = 1) -> None:
        """Wake the first `count`."""
        for event in list(self._waiting)[:count]:
            del self._waiting[event]
            event.set()


class HeldRequest:
    """A request that is being held. The body is read first: looking for the disconnect would swallow it."""

    def __init__(self, request: Request, hold_s: float) -> None:
        self._request = request
        self._deadline_s = asyncio.get_running_loop().time() + hold_s

    async def __aenter__(self) -> Self:
        """Begin to watch for the caller's going away."""
        await self._request.body()
        self._gone = asyncio.ensure_future(self._until_gone())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching."""
        self._gone.cancel()
        await asyncio.wait({self._gone})

    @property
    def connected(self) -> bool:
        """Whether the caller is still there."""
        return not self._gone.done()

    @property
    def remaining_s(self) -> float:
        """How long it may still be held."""
        return max(0.0, self._deadline_s - asyncio.get_running_loop().time())

    async def still_connected(self) -> bool:
        """Whether the caller is still there, one turn of the event loop later: a hang-up just now is seen."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return self.connected

    async def wait(self, event: asyncio.Event, timeout_s: float | None = None) -> bool:
        """Wait for `event`; return whether it is set. Ends early at the caller's going or when the hold is over."""
        ringing = asyncio.ensure_future(event.wait())
        limit_s = self.remaining_s if timeout_s is None else min(self.remaining_s, timeout_s)
        try:
            await asyncio.wait({ringing, self._gone}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ringing.cancel()
        return event.is_set()

    async def _until_gone(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
