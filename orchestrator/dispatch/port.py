"""An endpoint: where tasks run. RunPod's client API, as far as we use it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class EndpointStatus(StrEnum):
    """The endpoint's word for where a task is."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"

    @property
    def terminal(self) -> bool:
        """Whether the endpoint is done with the task."""
        return self not in OPEN_ENDPOINT_STATUSES


OPEN_ENDPOINT_STATUSES = (EndpointStatus.IN_QUEUE, EndpointStatus.IN_PROGRESS)
"""What the endpoint is not yet done with."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one run may cost: time running, and time in all before the endpoint forgets it."""

    execution_timeout_ms: int
    ttl_ms: int


@dataclass(frozen=True, slots=True)
class EndpointTask:
    """A status read."""

    id: str
    status: EndpointStatus
    output: Any = None
    error: str | None = None
    worker: str | None = None
    delay_ms: int = 0
    execution_ms: int = 0


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """The endpoint's workers and queue, as it counts them."""

    workers: dict[str, int]
    jobs: dict[str, int]


class Endpoint(Protocol):
    """An endpoint. Every call may raise EndpointUnavailable, EndpointRefused, or EndpointReplyLost (run only)."""

    async def run(self, task_input: dict[str, Any], webhook: str, policy: Policy) -> str:
        """Submit; return the endpoint's id for the task."""
        ...

    async def status(self, provider_id: str) -> EndpointTask:
        """Return where the task is; EndpointForgot if the endpoint doesn't know it."""
        ...

    async def cancel(self, provider_id: str) -> None:
        """Ask for the task's end; a task that is unknown or over is no error."""
        ...

    async def health(self) -> EndpointHealth:
        """Return the endpoint's workers and queue."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
