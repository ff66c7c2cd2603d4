"""What one attempt may take: its deadline, and the time limit of its execution."""

from dataclasses import dataclass

_SLACK_MS = 60_000
_MAX_TTL_MS = 7 * 86_400_000
"""RunPod keeps a task for at most seven days."""


@dataclass(frozen=True, slots=True)
class Terms:
    """An attempt's limits; later than `deadline_ms` the endpoint has dropped it."""

    deadline_ms: int
    execution_timeout_ms: int


def attempt_terms(cost_s: float, queue_deadline_ms: int, now_ms: int, least_execution_s: float) -> Terms:
    """Return ten times the expected cost to run, at least `least_execution_s`, and the queue time on top to live."""
    execution_ms = round(max(least_execution_s, 10 * cost_s) * 1000)
    queue_ms = max(queue_deadline_ms - now_ms, _SLACK_MS)
    return Terms(now_ms + min(queue_ms + execution_ms + _SLACK_MS, _MAX_TTL_MS), execution_ms)
