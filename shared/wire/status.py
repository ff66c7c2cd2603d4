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
        return self not in OPEN_STATUSES


OPEN_STATUSES = (Status.IN_QUEUE, Status.IN_PROGRESS)
"""What is not yet terminal: it waits, or runs."""


class JobEvent(StrEnum):
    """What webhooks tell of a job: that it has started (only who asks for it is told), or how it ended."""

    STARTED = "job.started"
    COMPLETED = "job.completed"
    COMPLETED_WITH_ERRORS = "job.completed_with_errors"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"
    TIMED_OUT = "job.timed_out"

    @classmethod
    def of(cls, status: Status) -> "JobEvent | None":
        """Return the event that a change to `status` is; None for a job that was only queued."""
        return cls.STARTED if status is Status.IN_PROGRESS else _TOLD_AT_THE_END.get(status)


_TOLD_AT_THE_END = {status: JobEvent(f"job.{status.lower()}") for status in Status if status.terminal}


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
