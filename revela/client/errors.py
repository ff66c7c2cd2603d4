"""What a call to a server may fail with.

ClientError
├── InvalidArgument        what the client was told can't be: no key, a name that is none
├── Refused                the server answered with a 4xx; `.problem` holds its words, `.code` its stable code
│   ├── NotAuthenticated       401  no valid key
│   ├── PermissionDenied       403  the key lacks a scope, the tenant is suspended, a link is not the server's
│   ├── NotFound               404  there is no such thing, or this key may not see it
│   ├── Conflict               409  it does not fit the present state
│   ├── Gone                   410  its time is over
│   ├── ValidationFailed       400, 413, 415, 422  the request can't be; `.errors` point at the fields
│   └── RateLimited            429  later; `.retry_after_s` says when
├── ServerError            5xx  the server failed, or something in front of it; `.retry_after_s` if it said when
├── ConnectionFailed       nobody answered, or the answer broke off
├── NotRevela              something else than a Revela server answered
├── WaitTimedOut           the job runs on, the patience is over
├── UploadFailed           the storage does not take the file
└── DownloadDamaged        what arrived is not what the server's SHA-256 says

What `verify_webhook` does not believe is a WebhookUnverified (shared/errors.py).
"""

from shared.errors import RevelaError
from shared.wire.problem import Problem, ProblemField


class ClientError(RevelaError):
    """A call to a server failed."""

    code = "client"
    retry_after_s: float | None = None
    """How long the server asks to be left alone; None where it did not say."""


class InvalidArgument(ClientError):
    """The client can't do this as it was told."""

    code = "invalid-argument"


class Refused(ClientError):
    """The server refused the request."""

    code = "refused"
    server: str = ""
    """The address of the server that refused."""

    def __init__(self, problem: Problem, retry_after_s: float | None = None) -> None:
        """Keep the server's `problem`; its code and status become this error's."""
        super().__init__(problem.detail)
        self.problem = problem
        self.code = problem.code
        self.status = problem.status
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        """Return the detail, and each field at fault on a line of its own."""
        faults = (f"{fault.pointer or '(body)'}: {fault.detail}" for fault in self.errors)
        return "\n  ".join([self.detail, *faults])

    @property
    def errors(self) -> list[ProblemField]:
        """The fields at fault; empty where it was none of them."""
        return self.problem.errors


class NotAuthenticated(Refused):
    """The server knows no such key."""


class PermissionDenied(Refused):
    """The key may not do this."""


class NotFound(Refused):
    """There is nothing here."""


class Conflict(Refused):
    """The request does not fit the present state."""


class Gone(Refused):
    """Its time is over."""


class ValidationFailed(Refused):
    """The request can't be taken as it is."""


class RateLimited(Refused):
    """Too much was asked."""


class ServerError(ClientError):
    """The server failed."""

    code = "server-failed"

    def __init__(self, detail: str, status: int, code: str | None = None, retry_after_s: float | None = None) -> None:
        """Keep what the answer said; `code` where it was a problem with one."""
        super().__init__(detail)
        self.status = status
        self.code = code or type(self).code
        self.retry_after_s = retry_after_s


class ConnectionFailed(ClientError):
    """No answer came."""

    code = "connection-failed"

    def __init__(self, detail: str, *, sent: bool = True) -> None:
        """`sent` says whether the server may have got the request."""
        super().__init__(detail)
        self.sent = sent


class NotRevela(ClientError):
    """What answers is not a Revela server."""

    code = "not-revela"


class WaitTimedOut(ClientError):
    """The job has not ended yet."""

    code = "wait-timed-out"


class UploadFailed(ClientError):
    """The storage does not take the file."""

    code = "upload-failed"


class DownloadDamaged(ClientError):
    """What arrived is not what was made."""

    code = "download-damaged"

    def __init__(self, detail: str, *, resumed: bool) -> None:
        """`resumed` says whether a part of it was older, so that a fresh download may do better."""
        super().__init__(detail)
        self.resumed = resumed
