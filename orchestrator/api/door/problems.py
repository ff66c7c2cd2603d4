"""Errors in answers: everything that goes wrong becomes `application/problem+json` with a stable code."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.errors import AdapterError, RevelaError
from shared.refusals import (
    IdempotencyInProgress,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    QueueFull,
    RequestError,
    TooManyRequests,
    TooManyStreams,
    Unauthenticated,
)
from shared.wire.problem import Problem, ProblemField

RETRY_AFTER_S = 5
"""What a client is told to wait when something that this server leans on has failed."""

QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
"""The problem's type for a used up quota, from draft-ietf-httpapi-ratelimit-headers."""

_DRAIN_BYTES = 16 << 20
_DRAIN_S = 5.0

_log = structlog.get_logger()


class ProblemResponse(Response):
    """A problem as an answer."""

    media_type = "application/problem+json"

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(
            problem.model_dump_json(exclude_none=True, by_alias=True).encode(),
            status_code=problem.status,
            headers={"cache-control": "no-store", **(headers or {})},
        )


class LastWord(ProblemResponse):
    """Answers at once, then reads on for a while before it closes.

    A client in the middle of sending a body would otherwise meet a reset connection and never see the answer.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem, {"connection": "close"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's three
        """Send the answer, drop what still comes, close."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                await _drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    dropped = 0
    while dropped <= _DRAIN_BYTES:
        message = await receive()
        dropped += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def problem_of(error: RevelaError, request_id: str | None = None) -> Problem:
    """Return what the client is told of `error`; nothing that RequestError and AdapterError don't say of themselves."""
    if not isinstance(error, RequestError | AdapterError):
        error = RevelaError()
    fields = error.errors if isinstance(error, RequestError) else ()
    problem = Problem(
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail=error.detail,
        code=error.code,
        errors=[ProblemField(pointer=field.pointer, detail=field.detail) for field in fields],
        request_id=request_id,
    )
    if isinstance(error, TooManyRequests):
        exceeded = {"type": QUOTA_EXCEEDED, "violated_policies": list(error.violated_policies) or None}
        return problem.model_copy(update=exceeded)
    return problem


def answer(error: RevelaError, request_id: str | None, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that tells `error`."""
    problem = problem_of(error, request_id)
    match error:
        case PayloadTooLarge():
            return LastWord(problem)
        case Unauthenticated():
            return ProblemResponse(problem, {"www-authenticate": 'Bearer realm="revela"'})
        case TooManyRequests(retry_after_s=wait_s) | QueueFull(retry_after_s=wait_s):
            return ProblemResponse(problem, {"retry-after": str(wait_s)})
        case IdempotencyInProgress():
            return ProblemResponse(problem, {"retry-after": "1"})
        case TooManyStreams():
            return ProblemResponse(problem, {"retry-after": str(RETRY_AFTER_S), **(headers or {})})
        case AdapterError():
            return ProblemResponse(problem, {"retry-after": str(RETRY_AFTER_S)})
        case _:
            return ProblemResponse(problem, headers)


def request_id_of(request: Request) -> str | None:
    """Return the id that the request was given; None where `RequestLog` is not installed."""
    return getattr(request.state, "request_id", None)


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RevelaError)  # noqa: S101 - as registered below
    if not isinstance(error, RequestError):
        _log.warning("adapter.failed", code=error.code, cause=repr(error.__cause__) if error.__cause__ else None)
    return answer(error, request_id_of(request))


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own: no such route, no such method, and what a library raises."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered below
    match error.status_code:
        case 404:
            return answer(NotFound(), request_id_of(request))
        case 405:
            return answer(MethodNotAllowed(), request_id_of(request), error.headers)
        case status:
            problem = problem_of(RequestError(), request_id_of(request))
            phrase = HTTPStatus(status).phrase
            return ProblemResponse(
                problem.model_copy(update={"status": status, "title": phrase, "detail": phrase}), error.headers
            )


def exception_handlers() -> dict[Any, Callable[[Request, Exception], Any]]:
    """Return what Starlette needs to answer every expected error; `RequestLog` answers the others."""
    return {RevelaError: _on_error, HTTPException: _on_http_error}
