"""An event that the database's writer thread sets and the event loop waits for."""

import asyncio
from contextlib import suppress


class Wake:
    """Wakes a loop from any thread; what is set before anybody listens is found, since loops look when they start."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def listen(self) -> asyncio.Event:
        """Return the event to wait for, which from now on is set on the running event loop."""
        self._loop = asyncio.get_running_loop()
        return self.event

    def set(self) -> None:
        """Wake whoever listens."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and what waits is found at the next start
                self._loop.call_soon_threadsafe(self.event.set)
