"""Which attempts are to be looked at now rather than in their turn."""

import asyncio
from collections.abc import Set


class Hints:
    """The attempts that are to be looked at now."""

    def __init__(self) -> None:
        self._hinted: set[tuple[str, int]] = set()
        self.arrived = asyncio.Event()

    def add(self, task_id: str, n: int) -> None:
        """Bring the next look at this attempt forward."""
        self._hinted.add((task_id, n))
        self.arrived.set()

    def __contains__(self, attempt: tuple[str, int]) -> bool:
        return attempt in self._hinted

    def retain(self, attempts: Set[tuple[str, int]]) -> None:
        """Forget all hints but those of `attempts`: one that comes after its attempt's end is never looked at."""
        self._hinted &= attempts

    def discard(self, task_id: str, n: int) -> None:
        """Forget the hint: the look has been taken, or the attempt has ended."""
        self._hinted.discard((task_id, n))
