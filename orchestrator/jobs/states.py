"""The states of a task and of its attempts. Job and item states are the contract's, in `shared.wire.status`."""

from enum import StrEnum


class TaskState(StrEnum):
    """Where a task stands in our own queue."""

    WAITING = "WAITING"
    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


class AttemptState(StrEnum):
    """What is known of one attempt at the endpoint.

    SUBMITTING ──▶ SUBMITTED ──▶ RUNNING ──▶ ENDED
        └────────▶ UNKNOWN (the reply was lost, or we died) ──▶ SUBMITTED (a hint brought the id) or ENDED
    """

    SUBMITTING = "SUBMITTING"
    UNKNOWN = "UNKNOWN"
    SUBMITTED = "SUBMITTED"
    RUNNING = "RUNNING"
    ENDED = "ENDED"


class AttemptEnd(StrEnum):
    """How an attempt ended at the endpoint.

    LOST: the endpoint can't say. EXPIRED: no worker took it in its job's queue time.
    """

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"
    LOST = "LOST"
    EXPIRED = "EXPIRED"
