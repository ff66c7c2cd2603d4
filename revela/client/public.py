"""What `from revela import …` gives."""

from revela.client.asynchronous import AsyncClient
from revela.client.blocking import Client
from revela.client.downloads.outputs import DownloadProgress, SavedOutput
from revela.client.errors import (
    ClientError,
    Conflict,
    ConnectionFailed,
    DownloadDamaged,
    Gone,
    InvalidArgument,
    NotAuthenticated,
    NotFound,
    NotRevela,
    PermissionDenied,
    RateLimited,
    Refused,
    ServerError,
    ValidationFailed,
    WaitTimedOut,
    WebhookInvalid,
)
from revela.client.event_stream import JobEvent
from revela.client.patience import ENDLESS, Patience
from shared.wire.events import ItemEvent, StatusEvent
from shared.wire.job import ItemView, JobView, OutputView, Priority, ProgressView
from shared.wire.plan import JobPlan
from shared.wire.status import Status

__all__ = [
    "ENDLESS",
    "AsyncClient",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "DownloadDamaged",
    "DownloadProgress",
    "Gone",
    "InvalidArgument",
    "ItemEvent",
    "ItemView",
    "JobEvent",
    "JobPlan",
    "JobView",
    "NotAuthenticated",
    "NotFound",
    "NotRevela",
    "OutputView",
    "Patience",
    "PermissionDenied",
    "Priority",
    "ProgressView",
    "RateLimited",
    "Refused",
    "SavedOutput",
    "ServerError",
    "Status",
    "StatusEvent",
    "ValidationFailed",
    "WaitTimedOut",
    "WebhookInvalid",
]
