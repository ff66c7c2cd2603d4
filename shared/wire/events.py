"""What a job's event stream carries: its history, event by event, and how far it is."""

from datetime import datetime

from pydantic import Field

from shared.wire.job import JobSummary, OutputView
from shared.wire.model import WireModel
from shared.wire.problem import ErrorInfo
from shared.wire.status import Status


class StatusEvent(WireModel):
    """The job's new status; sent as `status`."""

    status: Status
    at: datetime
    summary: JobSummary | None = Field(default=None, description="Once the job has ended")
    error: ErrorInfo | None = Field(default=None, description="What all of its items failed with, if they did")


class ItemEvent(WireModel):
    """An item that has ended; sent as `item`."""

    id: str
    status: Status
    at: datetime
    error: ErrorInfo | None = None
    output: dict[str, OutputView] | None = Field(
        default={}, description="By slot name; null where it is too long for an event: read the job's items then"
    )


class EventsLink(WireModel):
    """An address of a job's event stream that needs no key."""

    url: str = Field(
        description="For a browser's EventSource, which can't send a key",
        examples=["https://media.example/v1/jobs/job_01K9ZV6Q0S8M7D3X5B2C4F6G8H/events?token=YWNtZQ"],
    )
    expires_at: datetime
