"""Choosing what is sent next: the first event of each lane that is free, as far as there are places."""

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from orchestrator.webhooks.lanes import DueEvent, due_lanes, first_due
from orchestrator.webhooks.secrets import SecretState, secret_state
from orchestrator.webhooks.slots import Slots


@dataclass(frozen=True, slots=True)
class Chosen:
    """An event to be sent now."""

    event: DueEvent
    secrets: SecretState
    failing: bool
    """Whether the last try at its address failed."""


@dataclass(slots=True)
class Choice:
    """What one look has found."""

    chosen: list[Chosen] = field(default_factory=list)
    idle: list[tuple[str, str, str]] = field(default_factory=list)
    """(lane, tenant, url) that said they had something to send, and have not: their events were deleted."""


def choose(connection: Connection, now_ms: int, slots: Slots, busy: Collection[str]) -> Choice:
    """Return what may be sent at `now_ms`, in `slots` that it takes; nothing of the `busy` lanes."""
    choice, passed = Choice(), set(busy)
    while slots.any_left:
        lanes = due_lanes(
            connection, now_ms, passed, slots.full(), slots.full_of_failing(), failing_too=slots.failing_left
        )
        if not lanes:
            break
        for lane, tenant, url, failures in lanes:
            event = first_due(connection, lane, now_ms)
            if event is None:
                passed.add(lane)
                choice.idle.append((lane, tenant, url))
            elif slots.take(tenant, failing=failures > 0):
                passed.add(lane)
                choice.chosen.append(Chosen(event, secret_state(connection, tenant), failures > 0))
    return choice
