"""Whose task goes next: tenants share the window equally, and each says by priorities which of its own goes first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

AGING_MS = 600_000
"""For each ten minutes of waiting a task counts as one priority higher, so that low ones are never starved."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A task that could go now. `attempt` is the fence: the number of its last attempt."""

    id: str
    attempt: int
    tenant: str
    priority: int
    """0 goes first."""
    created_ms: int


def next_tasks(waiting: Iterable[Candidate], in_flight: Mapping[str, int], now_ms: int, limit: int) -> list[Candidate]:
    """Return at most `limit` tasks, in the order in which they should go.

    Each next place goes to the tenant that has the fewest in flight and chosen (`in_flight` counts the former by
    tenant; the one who has waited longest, if equal), and there to its most urgent task, the oldest first.
    """
    queues: dict[str, list[Candidate]] = {}
    for task in sorted(waiting, key=lambda task: _urgency(task, now_ms), reverse=True):
        queues.setdefault(task.tenant, []).append(task)
    held = {tenant: in_flight.get(tenant, 0) for tenant in queues}
    chosen: list[Candidate] = []
    while queues and len(chosen) < limit:
        tenant = min(queues, key=lambda name: (held[name], queues[name][-1].created_ms, name))
        chosen.append(queues[tenant].pop())
        held[tenant] += 1
        if not queues[tenant]:
            del queues[tenant]
    return chosen


def _urgency(task: Candidate, now_ms: int) -> tuple[int, str]:
    """Least first: the priority less what waiting has earned, then the age (ids sort by creation)."""
    return max(0, task.priority - max(0, now_ms - task.created_ms) // AGING_MS), task.id
