"""Time, as something that is passed in: UTC epoch milliseconds."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        return time.time_ns() // 1_000_000


class SteadyClock:
    """The machine's time at its making and what has passed since: setting the machine's clock does not move it.

    For leases and other spans within one process, which a step of the clock would end all at once.
    """

    def __init__(self) -> None:
        self._ahead_ns = time.time_ns() - time.monotonic_ns()

    def now_ms(self) -> int:
        """Return epoch milliseconds that never go back and never jump."""
        return (time.monotonic_ns() + self._ahead_ns) // 1_000_000


class ManualClock:
    """A clock that stands still until it is moved; for tests and simulations."""

    def __init__(self, start_ms: int = 1_800_000_000_000) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """Return the time it was last set to."""
        return self._now_ms

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self._now_ms += round(seconds * 1000)


def to_datetime(epoch_ms: int) -> datetime:
    """Return the aware UTC datetime of `epoch_ms`, as answers carry it (RFC 3339)."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
