"""What `from revela import …` gives."""

from revela.client.api.event_stream import StreamEvent
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
    UploadFailed,
    ValidationFailed,
    WaitTimedOut,
)
from revela.client.patience import ENDLESS, Patience
from revela.client.uploads.sending import UploadProgress
from revela.client.webhooks import verify_webhook
from shared.errors import RevelaError, WebhookUnverified
from shared.uploads.upload import UploadState, UploadView
from shared.wire.events import ItemEvent, StatusEvent
from shared.wire.job import ItemView, JobView, ListedJob, OutputView, Priority, ProgressView
from shared.wire.plan import JobPlan
from shared.wire.status import JobEvent, Status
from shared.wire.webhook import Delivery, WebhookEvent

__all__ = [
    "ENDLESS",
    "AsyncClient",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "Delivery",
    "DownloadDamaged",
    "DownloadProgress",
    "Gone",
    "InvalidArgument",
    "ItemEvent",
    "ItemView",
    "JobEvent",
    "JobPlan",
    "JobView",
    "ListedJob",
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
    "RevelaError",
    "SavedOutput",
    "ServerError",
    "Status",
    "StatusEvent",
    "StreamEvent",
    "UploadFailed",
    "UploadProgress",
    "UploadState",
    "UploadView",
    "ValidationFailed",
    "WaitTimedOut",
    "WebhookEvent",
    "WebhookUnverified",
    "verify_webhook",
]
