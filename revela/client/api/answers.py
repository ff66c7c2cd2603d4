"""From answers that are no success, and from answers that never came, to the errors that they stand for."""

import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx
from pydantic import ValidationError

from revela.client.errors import (
    ClientError,
    Conflict,
    ConnectionFailed,
    Gone,
    NotAuthenticated,
    NotFound,
    NotRevela,
    PermissionDenied,
    RateLimited,
    Refused,
    ServerError,
    UploadFailed,
    ValidationFailed,
)
from shared.wire.problem import Problem

_BY_STATUS: dict[int, type[Refused]] = {
    HTTPStatus.BAD_REQUEST: ValidationFailed,
    HTTPStatus.UNAUTHORIZED: NotAuthenticated,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: Gone,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ValidationFailed,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ValidationFailed,
    HTTPStatus.UNPROCESSABLE_ENTITY: ValidationFailed,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
}
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def error_of(response: httpx.Response, missing: str | None = None) -> ClientError:
    """Return what an answer without success says, its body being read; `missing` are the words for a 404."""
    status = response.status_code
    retry_after_s = retry_after(response.headers.get("retry-after"))
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        detail = f"{response.url.host} answered {status} {response.reason_phrase}".rstrip()
        if response.is_server_error:
            return ServerError(detail, status, retry_after_s=retry_after_s)
        if status != HTTPStatus.TOO_MANY_REQUESTS:
            return NotRevela(detail)
        # Said by something in front of the server.
        problem = Problem(title=response.reason_phrase, status=status, detail=detail, code="too-many-requests")
    if response.is_server_error:
        return ServerError(problem.detail, status, problem.code, retry_after_s)
    if status == HTTPStatus.NOT_FOUND and missing is not None:
        problem = problem.model_copy(update={"detail": missing, "errors": []})
    refused = _BY_STATUS.get(status, Refused)(problem, retry_after_s)
    refused.server = str(response.url.copy_with(raw_path=b"/")).rstrip("/")
    return refused


def connection_error(server: str, failed: Exception) -> ClientError:
    """Return what a failure of the transport says."""
    if isinstance(failed, httpx.StreamError):
        return UploadFailed(f"{server} asks for what was sent once more, by a redirect: its address is another one")
    if isinstance(failed, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return NotRevela(f"{server} is not the address of a server: {failed}")
    detail = f"no answer from {server}: {str(failed) or type(failed).__name__}"
    return ConnectionFailed(detail, sent=not isinstance(failed, _NEVER_SENT))


def retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110 §10.2.3: a number or a date), None without."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        then_s = parsedate_to_datetime(header).timestamp()
    except ValueError:
        return None
    return max(0.0, then_s - time.time())
