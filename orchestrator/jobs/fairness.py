"""Whose task goes next: tenants share the window equally, and each says by priorities which of its own goes first."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

AGING_MS = 600_000
"""For each ten minutes of waiting a task counts as one priority higher, so that low ones are never starved."""

MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A task that could go now. `attempt` is the fence: the number of its last attempt."""

    id: str
    attempt: int
    tenant: str
    priority: int
    """0 goes first."""
    created_ms: int


class Turns:
    """In which order tenants were served. A restart forgets it, which costs each of them one turn at most."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._count = 0

    def next_tasks(
        self, waiting: Iterable[Candidate], in_flight: Mapping[str, int], now_ms: int, limit: int
    ) -> list[Candidate]:
        """Return at most `limit` tasks, in the order in which they should go, and count them as served.

        Each next place goes to the tenant that has the fewest in flight and chosen (`in_flight` counts the former by
        tenant), among equals to the one that was served longest ago, and there to its most urgent task, the oldest
        first. With more tenants than places it is the second rule that gives each of them its turn.
        """
        queues: dict[str, list[Candidate]] = {}
        for task in sorted(waiting, key=lambda task: _urgency(task, now_ms), reverse=True):
            queues.setdefault(task.tenant, []).append(task)
        self._forget_all_but(queues.keys() | in_flight.keys())
        line = [(in_flight.get(tenant, 0), self._last.get(tenant, 0), tenant) for tenant in queues]
        heapify(line)
        chosen: list[Candidate] = []
        while line and len(chosen) < limit:
            held, _, tenant = heappop(line)
            chosen.append(queues[tenant].pop())
            self._count += 1
            self._last[tenant] = self._count
            if queues[tenant]:
                heappush(line, (held + 1, self._count, tenant))
        return chosen

    def _forget_all_but(self, tenants: Set[str]) -> None:
        """Forget who has nothing waiting and nothing in flight, once they are many."""
        if len(self._last) > MAX_REMEMBERED:
            self._last = {tenant: turn for tenant, turn in self._last.items() if tenant in tenants}


def _urgency(task: Candidate, now_ms: int) -> tuple[int, str]:
    """Least first: the priority less what waiting has earned, then the age (ids sort by creation)."""
    return max(0, task.priority - max(0, now_ms - task.created_ms) // AGING_MS), task.id
