"""Counting and timing every request by its route's template."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.metrics.instruments import Metrics

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNKNOWN = "other"
"""Stands for what is not ours: else whoever asks for random addresses makes a series of each."""


class RequestMetrics:
    """Measures what passes through it; belongs around everything else."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 499  # nginx's number for a client that went away before an answer

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started_s = time.perf_counter()
        try:
            await self._app(scope, receive, watched)
        finally:
            route: str = getattr(scope.get("route"), "path", _UNKNOWN)
            method = scope["method"] if scope["method"] in _METHODS else _UNKNOWN
            self._metrics.request_answered(method, route, status, time.perf_counter() - started_s)
