"""Guessing how long a job will take: from the operations' own hints, corrected by what was measured here."""

from collections.abc import Sequence
from dataclasses import dataclass

MIN_MEASURED = 3
"""So many finished tasks of an operation are believed more than its hint."""


@dataclass(frozen=True, slots=True)
class History:
    """Finished tasks of one operation: how many, their hinted seconds, and the seconds they really took."""

    tasks: int
    hinted_s: float
    measured_s: float

    @property
    def measured(self) -> bool:
        """Whether there is enough to go by."""
        return self.tasks >= MIN_MEASURED and self.hinted_s > 0

    @property
    def factor(self) -> float:
        """Real seconds for each hinted one."""
        return self.measured_s / self.hinted_s if self.measured else 1.0


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds: of work in all, until it starts, until it is finished."""

    work_s: float
    start_in_s: float
    finish_in_s: float


def expected_duration(task_costs_s: Sequence[float], history: History, backlog_s: float, workers: int) -> Duration:
    """Return how long tasks of these hinted seconds take behind `backlog_s` of other work on so many workers."""
    works_s = [cost_s * history.factor for cost_s in task_costs_s]
    start_in_s = backlog_s / workers
    run_s = max(sum(works_s) / min(workers, len(works_s)), *works_s)
    return Duration(sum(works_s), start_in_s, start_in_s + run_s)
