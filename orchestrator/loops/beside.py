"""Work beside a loop: what a tick begins goes on after it, so that nothing that hangs holds up the loop."""

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any


class Beside:
    """Pieces of work that run at the same time, each under its key; of more than `at_once`, some stand in line."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self._gate = asyncio.Semaphore(at_once)
        self._begun: dict[Hashable, asyncio.Task[None]] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._begun

    def __len__(self) -> int:
        return len(self._begun)

    def begin(self, key: Hashable, work: Coroutine[Any, Any, None]) -> None:
        """Begin a piece of work that sees to its own failures, under a key that nothing has that is under way."""
        self._begun[key] = asyncio.create_task(self._run(key, work))

    async def idle(self) -> None:
        """Wait until all is done."""
        while self._begun:
            await asyncio.wait(self._begun.values())

    async def close(self) -> None:
        """Break off what is under way."""
        tasks = list(self._begun.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, key: Hashable, work: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._gate:
                await work
        finally:
            work.close()  # where it was broken off in line, it has not begun
            del self._begun[key]
