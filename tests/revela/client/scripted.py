"""A server that gives answers in turn and remembers what it was asked."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.serving import serving

JOB: dict[str, Any] = {
    "id": "job_00000000000000000000000001",
    "operation": "img2vid",
    "operation_version": 1,
    "status": "IN_PROGRESS",
    "retry_of": None,
    "progress": None,
    "summary": {"total": 1, "succeeded": 0, "failed": 0},
    "error": None,
    "created_at": "2026-01-01T00:00:00Z",
    "started_at": None,
    "completed_at": None,
    "delay_ms": 0,
    "execution_ms": 0,
    "attempts": 1,
    "expires_at": None,
}

DROPPED = Response(status_code=599)
"""In the place of an answer: the connection is closed without one."""


def job(**fields: Any) -> Response:
    """Return the job as an answer."""
    return JSONResponse({**JOB, **fields})


def problem(status: int, code: str = "c", **headers: str) -> Response:
    """Return a problem as an answer."""
    content = {"title": "t", "status": status, "detail": "words", "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse(content, status, named, "application/problem+json")


@dataclass
class Scripted:
    """What was asked, in order."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def scripted(answers: Sequence[Response]) -> Iterator[Scripted]:
    """Serve these answers, whatever is asked; the last one again and again."""
    left, state = list(answers), Scripted()

    async def answer(request: Request) -> Response:
        state.asked.append((request.method, request.url.path))
        state.headers.append(dict(request.headers))
        given = left.pop(0) if len(left) > 1 else left[0]
        if given is DROPPED:
            raise asyncio.CancelledError
        return given

    methods = ["GET", "POST", "DELETE"]
    with serving(Starlette(routes=[Route("/{path:path}", answer, methods=methods)])) as url:
        state.url = url
        yield state
