"""The states of a job and of an item, in RunPod's words."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum


class Status(StrEnum):
    """Where a job or an item stands. Only a job can be COMPLETED_WITH_ERRORS."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"

    @property
    def terminal(self) -> bool:
        """Whether this state is final: nothing ever follows it."""
        return self not in (Status.IN_QUEUE, Status.IN_PROGRESS)


def job_status(items: Iterable[Status], *, cancelled: bool = False) -> Status:
    """Return the final status of a job from the final statuses of its items.

    `cancelled` says that a cancel was accepted before the last item ended.
    """
    count = Counter(items)
    completed, total = count[Status.COMPLETED], count.total()
    if completed == total:
        return Status.COMPLETED
    if cancelled:
        return Status.CANCELLED
    if completed:
        return Status.COMPLETED_WITH_ERRORS
    return Status.TIMED_OUT if count[Status.TIMED_OUT] == total else Status.FAILED
