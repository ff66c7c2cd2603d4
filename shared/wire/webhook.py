"""Webhooks as clients see them: the event that is sent, how its delivery goes, and the secret that signs."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.wire.job import JobView
from shared.wire.model import WireModel
from shared.wire.status import JobEvent


class EventState(StrEnum):
    """What has become of an event's delivery."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    DISABLED = "DISABLED"


class EventData(WireModel):
    """What an event is about."""

    url: str = Field(
        description="Where the job is read", examples=["https://media.example/v1/jobs/job_01K9ZV6Q0S8M7D3X5B2C4F6G8H"]
    )
    job: JobView | None = Field(description="Null where it has more than 20 items, or the event would exceed 20 kB")


class WebhookEvent(WireModel):
    """The body of a webhook, in the form of Standard Webhooks."""

    type: JobEvent
    timestamp: datetime = Field(description="When it happened")
    data: EventData


class DeliveryTry(WireModel):
    """One try of sending an event."""

    at: datetime
    duration_ms: int = Field(examples=[84])
    http_status: int | None = Field(description="Null where no answer came", examples=[200])
    response: str | None = Field(description="The answer's first 1024 bytes", examples=["ok"])
    error: str | None = Field(description="Why no answer came, or why it does not count", examples=[None])


class Delivery(WireModel):
    """An event and how its delivery goes."""

    id: str = Field(description="The webhook-id header of every try", examples=["evt_01K9ZV6Q0S8M7D3X5B2C4F6G8H"])
    job_id: str = Field(examples=["job_01K9ZV6Q0S8M7D3X5B2C4F6G8H"])
    type: JobEvent = Field(examples=["job.completed"])
    url: str = Field(description="Where it is sent", examples=["https://example.com/hook"])
    state: EventState = Field(
        description="DISABLED: its address has answered 410 Gone; FAILED: no try succeeded", examples=["DELIVERED"]
    )
    created_at: datetime
    next_try_at: datetime | None = Field(description="Null where none is to come", examples=[None])
    tries: list[DeliveryTry] = Field(description="The last 50, oldest first")


class DeliveryList(WireModel):
    """The events of one job."""

    deliveries: list[Delivery]


class DisabledAddress(WireModel):
    """An address that is sent nothing any more."""

    url: str = Field(examples=["https://example.com/gone"])
    disabled_at: datetime


class FailingAddress(WireModel):
    """An address whose last try failed."""

    url: str = Field(examples=["https://example.com/hook"])
    failing_since: datetime
    failures: int = Field(description="In a row", examples=[3])
    next_try_at: datetime | None


class WebhookOverview(WireModel):
    """How a tenant's webhooks stand."""

    secret_since: datetime | None = Field(description="Since when the present secret signs")
    previous_valid_until: datetime | None = Field(
        description="How long the secret before signs as well; null where there is none", examples=[None]
    )
    disabled: list[DisabledAddress] = Field(description="The last 100")
    failing: list[FailingAddress] = Field(description="The 100 that fail longest")


class RotatedSecret(WireModel):
    """A fresh secret, shown this once."""

    secret: str = Field(description="For the check of signatures", examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    previous_valid_until: datetime
