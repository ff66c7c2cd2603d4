"""Every error Revela raises on purpose: one tree.

RevelaError
├── RequestError      refused at the door with a 4xx; nothing is stored (shared/refusals.py)
├── JobError          kept on the item or job it ended, and sent to the caller
├── AdapterError      a driver failed (database, storage, endpoint); its own errors never escape
└── WebhookUnverified what a receiver of webhooks must not believe

``code`` is stable and part of the contract. The first line of a class's docstring is its default detail.
"""

from typing import ClassVar


class RevelaError(Exception):
    """Something went wrong."""

    code: str = "internal"
    status: int = 500
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str | None = None) -> None:
        """Keep `detail`; without one, the class's own sentence speaks."""
        self.detail = detail or (type(self).__doc__ or "").strip().partition("\n")[0]
        super().__init__(self.detail)


# --- ended jobs and items ---------------------------------------------------------------------------------


class JobError(RevelaError):
    """The work could not be done."""

    code = "operation-failed"
    stage: ClassVar[str] = "run"


class SourceInvalid(JobError):
    """The source's address can't be used."""

    code = "source-invalid"
    stage = "fetch"


class SourceBlocked(JobError):
    """The source's address is not a public one; REVELA_ALLOW_PRIVATE_SOURCES can open it."""

    code = "source-blocked"
    stage = "fetch"


class SourceNotFound(JobError):
    """The source's server says that there is no such file."""

    code = "source-not-found"
    stage = "fetch"


class SourceRefused(JobError):
    """The source's server refused the download."""

    code = "source-refused"
    stage = "fetch"


class SourceUnavailable(JobError):
    """The source's server could not be reached or failed."""

    code = "source-unavailable"
    stage = "fetch"
    retryable = True


class SourceTimeout(JobError):
    """The source took too long to arrive."""

    code = "source-timeout"
    stage = "fetch"
    retryable = True


class SourceTooLarge(JobError):
    """The source is larger than this operation takes."""

    code = "source-too-large"
    stage = "fetch"


class SourceRedirects(JobError):
    """The source's server redirects too often, or to nowhere."""

    code = "source-redirects"
    stage = "fetch"


class SourceEncoding(JobError):
    """The source arrived in a content encoding that was not asked for."""

    code = "source-encoding"
    stage = "fetch"


class MediaEmpty(JobError):
    """The source is an empty file."""

    code = "media-empty"
    stage = "decode"


class MediaFormat(JobError):
    """The source is not in a format that this operation reads."""

    code = "media-format"
    stage = "decode"


class MediaCorrupt(JobError):
    """The source is damaged and can't be decoded."""

    code = "media-corrupt"
    stage = "decode"


class MediaTooLarge(JobError):
    """The video has more pixels than are taken."""

    code = "media-too-large"
    stage = "decode"


class MediaLimits(JobError):
    """The file is beyond what is taken: too long, too many streams, or too much work."""

    code = "media-limits"
    stage = "decode"


class ImageTooLarge(JobError):
    """The picture has more than 100 million pixels, or a side that is too long."""

    code = "image-too-large"
    stage = "decode"


class SubtitleSyntax(JobError):
    """The subtitles can't be read as SRT, WebVTT, ASS or words JSON."""

    code = "subtitle-syntax"
    stage = "decode"


class SubtitleLimits(JobError):
    """The subtitles are larger than this operation takes."""

    code = "subtitle-limits"
    stage = "decode"


class ImageFrames(JobError):
    """The picture is an animation of more frames than are taken."""

    code = "image-frames"
    stage = "decode"


class EncodeFailed(JobError):
    """The encoder failed."""

    code = "encode-failed"
    stage = "encode"
    retryable = True


class OutputInvalid(JobError):
    """The file that was made is not what was asked for."""

    code = "output-invalid"
    stage = "verify"
    retryable = True


class OutputTooLarge(JobError):
    """The file that was made is larger than its slot."""

    code = "output-too-large"
    stage = "upload"


class UploadFailed(JobError):
    """The file that was made could not be stored."""

    code = "upload-failed"
    stage = "upload"
    retryable = True


class WorkerDiskFull(JobError):
    """The worker ran out of disk space."""

    code = "worker-disk-full"
    retryable = True


class OperationFailed(JobError):
    """The operation failed unexpectedly."""

    retryable = True


class OperationUnsupported(JobError):
    """The worker does not know this operation or its version; its image may be out of date."""

    code = "operation-unsupported"
    stage = "start"


class OrderUnsupported(JobError):
    """The worker does not understand this work order; its image may be out of date."""

    code = "order-unsupported"
    stage = "start"


class InputUnavailable(JobError):
    """An upload or an earlier job's output that this item needs is gone, or is not what it was."""

    code = "input-unavailable"
    stage = "dispatch"


class WorkCancelled(JobError):
    """The job was cancelled."""

    code = "cancelled"


class WorkTimedOut(JobError):
    """The work took longer than its time limit."""

    code = "timed-out"


class QueueExpired(JobError):
    """No worker took the work before its queue time ran out."""

    code = "queue-expired"
    stage = "queue"


class AttemptsExhausted(JobError):
    """Every attempt ended without a result; the worker may have crashed on this work."""

    code = "attempts-exhausted"


class SubmitRefused(JobError):
    """The endpoint refused the work."""

    code = "submit-refused"
    stage = "dispatch"


# --- failed drivers ---------------------------------------------------------------------------------------


class AdapterError(RevelaError):
    """A service that this one leans on failed."""

    code = "temporarily-unavailable"
    status = 503
    retryable = True


class ServerBusy(AdapterError):
    """This server has as many connections open as it takes."""

    code = "server-busy"


class StoreUnavailable(AdapterError):
    """The database can't be reached or written."""

    code = "store-unavailable"


class StorageUnavailable(AdapterError):
    """The object storage can't be reached or written."""

    code = "storage-unavailable"


class StorageFull(AdapterError):
    """The object storage is full."""

    code = "storage-full"


class EndpointUnavailable(AdapterError):
    """The endpoint could not be reached; it certainly did not take the request."""

    code = "endpoint-unavailable"


class EndpointRefused(AdapterError):
    """The endpoint refused the request for good."""

    code = "endpoint-refused"
    retryable = False


class EndpointReplyLost(AdapterError):
    """The endpoint may have taken the request, but its reply never arrived."""

    code = "endpoint-reply-lost"


class EndpointForgot(AdapterError):
    """The endpoint does not know this task (never did, or no longer)."""

    code = "endpoint-forgot"
    retryable = False


class SettingsError(RevelaError):
    """A setting is missing or wrong."""

    code = "settings"


# --- for receivers of webhooks ----------------------------------------------------------------------------


class WebhookUnverified(RevelaError):
    """None of the known secrets signed this webhook; whoever sent it is not to be believed."""

    code = "webhook-unverified"
    status = 401


class WebhookMalformed(WebhookUnverified):
    """The webhook's headers are missing or can't be read."""

    code = "webhook-malformed"


class WebhookStale(WebhookUnverified):
    """The webhook was signed more than five minutes ago or ahead; it may be an old one, sent again by somebody else."""

    code = "webhook-stale"
