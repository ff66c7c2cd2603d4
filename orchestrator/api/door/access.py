"""The frame of every request: its id, its line in the log, and an answer when the unexpected happens."""

import re
import secrets
import time
from typing import Any

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.api.door.problems import answer
from shared.errors import RevelaError

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_QUIET_ROUTES = ("/livez", "/readyz", "/v2/", "/hooks/", "/worker/")
"""Asked all the time by watchers, by workers and by this server itself; logged only when they fail."""

ANSWER_HEADERS = "answer_headers"
"""In a request's state: headers, as ASGI has them, that its answer gets whether it is a success or a refusal."""

_log = structlog.get_logger()


class RequestLog:
    """Gives each request an id (X-Request-Id, the client's if it is a plain one) and writes one line about it.

    The line names the route's template, never the path or query: they may hold capabilities.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        reply = _Reply(send, request_id, scope["state"])
        started_s = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, reply.send)
        except ClientDisconnect:
            reply.status = reply.status or 499  # nginx's number for a client that went away
        except Exception as unexpected:  # noqa: BLE001 - the last one who can answer
            _log.exception("request.failed", error=type(unexpected).__name__)
            await reply.fail(scope, receive)
        _log_line(scope, reply.status, time.perf_counter() - started_s)


class _Reply:
    """Watches what is sent, and adds to it the request's id and the headers that every answer shall have."""

    def __init__(self, send: Send, request_id: str, state: dict[str, Any]) -> None:
        self._send = send
        self._request_id = request_id
        self._state = state
        self.status = 0
        self._complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            added = ((b"x-request-id", self._request_id.encode()), *self._state.get(ANSWER_HEADERS, ()))
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        elif not message.get("more_body", False):
            self._complete = True
        await self._send(message)

    async def fail(self, scope: Scope, receive: Receive) -> None:
        """Tell the client that the server is at fault; an answer that has begun can only be cut off."""
        if self.status and not self._complete:
            raise ConnectionAbortedError("the answer broke off")
        if not self.status:
            await answer(RevelaError(), self._request_id)(scope, receive, self.send)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value.decode())
    return secrets.token_hex(8)


def _log_line(scope: Scope, status: int, duration_s: float) -> None:
    template: str | None = getattr(scope.get("route"), "path", None)
    quiet = status < 400 and template is not None and template.startswith(_QUIET_ROUTES)
    write = _log.debug if quiet else _log.info
    write(
        "request.answered",
        method=scope["method"],
        route=template,
        status=status,
        duration_ms=round(duration_s * 1000, 1),
    )
