"""Identifiers: a prefix that says what it is, then a ULID, so that they sort by creation."""

import secrets
from typing import NewType

from shared.clock import Clock

JobId = NewType("JobId", str)
TaskId = NewType("TaskId", str)
ItemId = NewType("ItemId", str)
"""Chosen by the caller, unique in its job: 1–128 of ``[A-Za-z0-9._-]``. Never used as a file name."""
Tenant = NewType("Tenant", str)
KeyId = NewType("KeyId", str)
EventId = NewType("EventId", str)
"""Of a webhook's event, the same on every try: receivers know by it what they have seen already."""

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid(clock: Clock) -> str:
    """Return 26 characters: 48 bits of milliseconds, then 80 random bits (github.com/ulid/spec)."""
    return _ulid_at(clock.now_ms())


def _ulid_at(epoch_ms: int) -> str:
    return _ulid(epoch_ms, secrets.randbits(80))


def _ulid(epoch_ms: int, random: int) -> str:
    value = (epoch_ms & (1 << 48) - 1) << 80 | random
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def ulid_floor(epoch_ms: int) -> str:
    """Return the least text that a ULID made at `epoch_ms` or later can be."""
    return "".join(_CROCKFORD[max(0, epoch_ms) >> shift & 31] for shift in range(45, -1, -5))


def new_job_id(clock: Clock) -> JobId:
    """Return a fresh ``job_…``."""
    return JobId(f"job_{new_ulid(clock)}")


def new_task_ids(clock: Clock, count: int) -> list[TaskId]:
    """Return fresh ``task_…``s that sort as they stand: one millisecond's ULIDs count up, as their spec has it."""
    now_ms, first = clock.now_ms(), secrets.randbits(79)  # half of the 80 bits' numbers, so that none overflows
    return [TaskId(f"task_{_ulid(now_ms, first + n)}") for n in range(count)]


def new_event_id(at_ms: int) -> EventId:
    """Return a fresh ``evt_…`` for what happened at `at_ms`."""
    return EventId(f"evt_{_ulid_at(at_ms)}")


def new_try_id(clock: Clock) -> str:
    """Return a fresh ``try_…``, for one try of sending an event."""
    return f"try_{new_ulid(clock)}"
