"""Choosing what is sent next: the first event of each lane that is free, as far as there are places."""

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from orchestrator.webhooks.lanes import CANDIDATES, DueEvent, DueLane, due_lanes, first_due
from orchestrator.webhooks.secrets import SecretState, secret_state
from orchestrator.webhooks.slots import Slots


@dataclass(frozen=True, slots=True)
class Chosen:
    """An event to be sent now."""

    event: DueEvent
    secrets: SecretState
    doubtful: bool
    """Whether the last try at its address failed, or its host is not proven."""


@dataclass(slots=True)
class Choice:
    """What one look has found."""

    chosen: list[Chosen] = field(default_factory=list)
    idle: list[DueLane] = field(default_factory=list)
    """Those that said they had something to send, and have not: their events were deleted."""


def choose(connection: Connection, now_ms: int, slots: Slots, busy: Collection[str], proven: Collection[str]) -> Choice:
    """Return what may be sent at `now_ms`, in `slots` that it takes; nothing of the `busy` lanes.

    An address is doubtful unless its host is among the `proven` ones.
    """
    choice, passed = Choice(), set(busy)
    while slots.any_left:
        lanes = due_lanes(
            connection,
            now_ms,
            passed,
            slots.full(),
            slots.full_of_doubtful(),
            proven,
            doubtful_too=slots.doubtful_left,
        )
        for due in lanes:
            doubtful = due.failures > 0 or due.host not in proven
            if slots.take(due.tenant, doubtful=doubtful):
                passed.add(due.lane)
                _look_into(connection, due, now_ms, slots, choice, doubtful=doubtful)
        if len(lanes) < CANDIDATES:
            break  # there are no more; with more of them, those of tenants that are full by now hid others
    return choice


def _look_into(
    connection: Connection, due: DueLane, now_ms: int, slots: Slots, choice: Choice, *, doubtful: bool
) -> None:
    event = first_due(connection, due.lane, now_ms)
    if event is None:
        slots.give_back(due.tenant, doubtful=doubtful)
        choice.idle.append(due)
    else:
        choice.chosen.append(Chosen(event, secret_state(connection, due.tenant), doubtful))
