"""Refused requests: what is answered with a 4xx. Nothing was stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import RevelaError


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault in a request: a JSON pointer (RFC 6901) and a sentence a person can act on."""

    pointer: str
    detail: str


class RequestError(RevelaError):
    """The request can't be taken."""

    code = "bad-request"
    status = 400

    def __init__(self, detail: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        """`errors` point at the fields at fault."""
        super().__init__(detail)
        self.errors = tuple(errors)


class InvalidJson(RequestError):
    """The body is not valid JSON."""

    code = "invalid-json"


class InvalidRequest(RequestError):
    """The request does not fit the contract; see errors."""

    code = "validation-failed"
    status = 422


class UnknownOperation(RequestError):
    """There is no operation of that name; GET /v1/operations lists them."""

    code = "unknown-operation"
    status = 422


class PayloadTooLarge(RequestError):
    """The body is larger than this server takes."""

    code = "payload-too-large"
    status = 413


class UnsupportedMediaType(RequestError):
    """The body must be application/json in UTF-8."""

    code = "unsupported-media-type"
    status = 415


class Unauthenticated(RequestError):
    """A valid API key is needed, in X-API-Key or Authorization: Bearer."""

    code = "unauthenticated"
    status = 401


class Forbidden(RequestError):
    """This key lacks the scope that the request needs."""

    code = "forbidden"
    status = 403


class LinkInvalid(RequestError):
    """This link or token was not issued by this server."""

    code = "signature-invalid"
    status = 403


class LinkExpired(RequestError):
    """This link has expired."""

    code = "link-expired"
    status = 410


class OutputLost(RequestError):
    """This file is gone from the storage, although its time was not over."""

    code = "output-lost"
    status = 410


class EventIdInvalid(RequestError):
    """Last-Event-ID is not the number of an event of this job."""

    code = "event-id-invalid"


class TooManyStreams(RequestError):
    """This tenant has as many event streams open as are allowed."""

    code = "too-many-streams"
    status = 429


class NotFound(RequestError):
    """There is nothing here."""

    code = "not-found"
    status = 404


class MethodNotAllowed(RequestError):
    """This address does not take that method."""

    code = "method-not-allowed"
    status = 405


class Conflict(RequestError):
    """The request does not fit the present state."""

    code = "conflict"
    status = 409


class AttemptEnded(Conflict):
    """This attempt has ended, or another one has taken its place."""

    code = "attempt-ended"


class RangeNotSatisfiable(RequestError):
    """The asked range lies outside the file."""

    code = "range-not-satisfiable"
    status = 416


class JobNotEnded(Conflict):
    """The job has not ended yet."""

    code = "job-not-ended"


class NothingToRetry(Conflict):
    """All items of the job completed; there is nothing to retry."""

    code = "nothing-to-retry"


class LegalHold(Conflict):
    """The job is on legal hold; nothing of it may be deleted until an admin releases it."""

    code = "legal-hold"


class HoldExists(Conflict):
    """The job is on legal hold for another reason; an admin has to release that one first."""

    code = "hold-exists"


class DeletionUnderWay(Conflict):
    """Outputs that this would keep are being deleted at this moment; ask again in a few seconds."""

    code = "deletion-under-way"
    retryable = True


class OutputsDeleted(Conflict):
    """The job's outputs are deleted already, because their time was over."""

    code = "outputs-deleted"


class IdempotencyKeyInvalid(RequestError):
    """An Idempotency-Key has 1 to 255 printable ASCII characters, quoted or not."""

    code = "idempotency-key-invalid"


class IdempotencyReused(RequestError):
    """This Idempotency-Key came before with another request; take a new one for a new request."""

    code = "idempotency-reused"
    status = 422


class IdempotencyInProgress(Conflict):
    """The first request with this Idempotency-Key is still being stored; try again in a second."""

    code = "idempotency-in-progress"
    retryable = True


class TooManyRequests(RequestError):
    """Too many requests in too short a time; Retry-After says when to go on."""

    code = "too-many-requests"
    status = 429
    retryable = True

    def __init__(
        self, detail: str | None = None, retry_after_s: int = 1, violated_policies: Sequence[str] = ()
    ) -> None:
        """`violated_policies` are names of policies as the header RateLimit-Policy gives them."""
        super().__init__(detail)
        self.retry_after_s = retry_after_s
        self.violated_policies = tuple(violated_policies)


class QueueFull(RequestError):
    """This tenant has as many items waiting or running as this server takes; go on when some have ended."""

    code = "queue-full"
    status = 429
    retryable = True

    def __init__(self, detail: str | None = None, retry_after_s: int = 10) -> None:
        """`retry_after_s` is a guess: how fast items end hangs on what they are."""
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class TenantSuspended(RequestError):
    """This tenant is suspended; whoever runs this server can say why."""

    code = "tenant-suspended"
    status = 403


class NotHttp(RequestError):
    """This is no plain HTTP/1.1 request."""

    code = "not-http"


class HeadTooLarge(RequestError):
    """The request has more than 100 headers or 32 KiB of them."""

    code = "head-too-large"
    status = 431


class UrlTooLong(RequestError):
    """The request's address is longer than 8 KiB."""

    code = "url-too-long"
    status = 414


class RequestTimeout(RequestError):
    """The request's body came too slowly."""

    code = "request-timeout"
    status = 408
    retryable = True


class UploadIncomplete(Conflict):
    """Not all of the file has arrived; send what is missing, then complete the upload."""

    code = "upload-incomplete"


class UploadChanged(Conflict):
    """The file is another one than it was before; begin a new upload."""

    code = "upload-changed"


class UploadInUse(Conflict):
    """A job that has not ended needs this upload."""

    code = "upload-in-use"


class OutputsInUse(Conflict):
    """A job that has not ended needs an output of this one; delete it afterwards."""

    code = "outputs-in-use"


class UploadExpired(RequestError):
    """The upload's time is over; begin a new one."""

    code = "upload-expired"
    status = 410


class UploadFormat(RequestError):
    """The file is not what its content_type says; begin a new upload."""

    code = "media-format"
    status = 422


class UploadDamaged(RequestError):
    """The file that arrived is not the one that its sha256 names; begin a new upload."""

    code = "upload-damaged"
    status = 422


class TooManyUploads(RequestError):
    """This tenant has as many uploads waiting for their files as are allowed; complete or delete some."""

    code = "too-many-uploads"
    status = 429
