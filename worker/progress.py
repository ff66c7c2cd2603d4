"""How far a task is, put together from its items; written by many threads, read by one."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.wire.progress import ProgressSnapshot

REPORT_EVERY_S = 0.5


@dataclass(slots=True)
class ItemProgress:
    """One item's place; assignments of a pair are atomic, so no lock is needed."""

    state: tuple[str, float] = ("queue", 0.0)
    """The stage's name, and the fraction done of the whole item."""
    committed: bool = False

    def update(self, stage: str, fraction: float) -> None:
        """Move on; a fraction never goes back and stays within 0..1 (NaN counts as no news)."""
        before = self.state[1]
        self.state = (stage, min(1.0, fraction) if fraction > before else before)


@dataclass
class TaskProgress:
    """All items of a task, equal in weight."""

    item_ids: list[str]
    _items: dict[str, ItemProgress] = field(init=False)
    _seq: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    """Counts on from the time, so that what a second worker reports of the same attempt is not taken for old news."""
    _reported: tuple[float, str, int] | None = None
    _next_at_s: float = 0.0

    def __post_init__(self) -> None:
        self._items = {item_id: ItemProgress() for item_id in self.item_ids}

    def item(self, item_id: str) -> ItemProgress:
        """Return the place of one item."""
        return self._items[item_id]

    def report_if_due(self, report: Callable[[ProgressSnapshot], None]) -> None:
        """Report what has changed, at most twice a second."""
        now_s = time.monotonic()
        if now_s < self._next_at_s:
            return
        snapshot = self._snapshot()
        news = (snapshot.percent, snapshot.stage, len(snapshot.committed))
        if news == self._reported:
            return
        self._reported, self._next_at_s, self._seq = news, now_s + REPORT_EVERY_S, snapshot.seq
        report(snapshot)

    def _snapshot(self) -> ProgressSnapshot:
        states = [item.state for item in self._items.values()]
        return ProgressSnapshot(
            seq=self._seq + 1,
            stage=_stage(states),
            percent=round(100 * sum(fraction for _, fraction in states) / max(1, len(states)), 1),
            committed=[item_id for item_id, item in self._items.items() if item.committed],
        )


def _stage(states: list[tuple[str, float]]) -> str:
    """Return the stage of the item in hand that is furthest behind; of those fetched ahead only if none runs."""
    unfinished = [(stage == "queue", stage == "fetch", fraction, stage) for stage, fraction in states if fraction < 1]
    return min(unfinished)[3] if unfinished else "finish"
