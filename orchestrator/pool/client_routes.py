"""The client half of RunPod's protocol: run, runsync, status, cancel, health."""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestrator.pool import options as limits
from orchestrator.pool.queue import JobQueue, JobRequest
from orchestrator.pool.records import PoolJob
from shared.errors import StoreUnavailable

Answer = Callable[[Request], Awaitable[Response]]
Health = Callable[[], Awaitable[dict[str, dict[str, int]]]]

_HEAD_BYTES = 64
_THREAD_ABOVE_BYTES = 256 << 10
"""JSON larger than this is read and written in a thread: it would hold the event loop for milliseconds."""


class RunPolicy(BaseModel):
    """RunPod's `policy`, in milliseconds. `lowPriority` is accepted and means nothing here."""

    model_config = ConfigDict(frozen=True)

    execution_timeout_ms: int = Field(
        default=limits.DEFAULT_EXECUTION_TIMEOUT_MS,
        alias="executionTimeout",
        ge=limits.MIN_EXECUTION_TIMEOUT_MS,
        le=limits.MAX_POLICY_MS,
    )
    ttl_ms: int = Field(default=limits.DEFAULT_TTL_MS, alias="ttl", ge=limits.MIN_TTL_MS, le=limits.MAX_POLICY_MS)


class RunBody(BaseModel):
    """The body of run and runsync; what else RunPod's clients may send is ignored."""

    model_config = ConfigDict(frozen=True)

    input: Any
    webhook: str | None = None
    policy: RunPolicy = RunPolicy()

    @field_validator("webhook")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("webhook must be an http or https address")
        return value or None


class _Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, detail: str) -> None:
        self.status, self.detail = status, detail
        super().__init__(detail)


class ClientHalf:
    """The routes that clients use, with `Authorization: Bearer KEY` or the raw key."""

    def __init__(self, queue: JobQueue, keys: Sequence[str], health: Health) -> None:
        self._queue = queue
        self._keys = tuple(key.encode() for key in keys if key)
        self._health = health

    def routes(self) -> list[Route]:
        """Return the routes, paths from the server's root."""
        return [
            Route("/v2/{endpoint}/run", self._guarded(self._run), methods=["POST"]),
            Route("/v2/{endpoint}/runsync", self._guarded(self._run_and_wait), methods=["POST"]),
            Route("/v2/{endpoint}/status/{job_id}", self._guarded(self._status), methods=["GET", "POST"]),
            Route("/v2/{endpoint}/cancel/{job_id}", self._guarded(self._cancel), methods=["POST"]),
            Route("/v2/{endpoint}/health", self._guarded(self._report_health), methods=["GET"]),
        ]

    def _guarded(self, answer: Answer) -> Answer:
        async def endpoint(request: Request) -> Response:
            try:
                self._admit(request)
                return await answer(request)
            except _Refused as refused:
                return JSONResponse({"error": refused.detail}, refused.status)
            except StoreUnavailable:
                return JSONResponse({"error": "temporarily unavailable"}, 503, {"retry-after": "1"})

        return endpoint

    def _admit(self, request: Request) -> None:
        given = bearer(request).encode()
        # Every key is compared, so that the time taken tells nothing.
        if not sum(hmac.compare_digest(given, key) for key in self._keys):
            raise _Refused(401, "unauthorized")
        if request.path_params["endpoint"] != self._queue.endpoint:
            raise _Refused(404, "endpoint not found")

    async def _run(self, request: Request) -> Response:
        job_id = await self._submit(request, limits.MAX_RUN_BYTES, "u1")
        return JSONResponse({"id": job_id, "status": "IN_QUEUE"})

    async def _run_and_wait(self, request: Request) -> Response:
        wait_ms = _wait_ms(request)
        job_id = await self._submit(request, limits.MAX_RUNSYNC_BYTES, "s1")
        return await self._shown(await self._queue.wait_for_end(job_id, wait_ms / 1000))

    async def _status(self, request: Request) -> Response:
        return await self._shown(await self._queue.find(request.path_params["job_id"]))

    async def _cancel(self, request: Request) -> Response:
        job = await self._queue.cancel(request.path_params["job_id"])
        if job is None:
            raise _Refused(404, "job not found")
        return JSONResponse({"id": job.id, "status": job.status.value})

    async def _report_health(self, _request: Request) -> Response:
        return JSONResponse(await self._health())

    async def _shown(self, job: PoolJob | None) -> Response:
        if job is None:
            raise _Refused(404, "job not found")
        progress = self._queue.progress(job.id)
        large = len(job.output or "") > _THREAD_ABOVE_BYTES
        text = await asyncio.to_thread(_shown_text, job, progress) if large else _shown_text(job, progress)
        return Response(text, media_type="application/json")

    async def _submit(self, request: Request, max_bytes: int, suffix: str) -> str:
        _, body = await read_body(request, max_bytes)
        if body is None:
            raise _Refused(413, f"the body is larger than {max_bytes} bytes")
        try:
            run = RunBody.model_validate(await parse_json(body))
        except ValidationError as invalid:
            fault = invalid.errors()[0]
            raise _Refused(400, f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}".lstrip(": ")) from None
        except ValueError:
            raise _Refused(400, "the body is not JSON") from None
        asked = JobRequest(await write_json(run.input), run.webhook, run.policy.execution_timeout_ms, run.policy.ttl_ms)
        return await self._queue.submit(asked, suffix)


def bearer(request: Request) -> str:
    """Return the credential of `Authorization`, which RunPod's own programs send with and without `Bearer`."""
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()


async def read_body(request: Request, max_bytes: int) -> tuple[bytes, bytes | None]:
    """Return the body's first bytes and the whole of it; None if it is larger than `max_bytes`.

    Even then it is read to its end: a client that is cut off while it writes would not read the answer.
    """
    head, body, size_bytes = b"", bytearray(), 0
    async for chunk in request.stream():
        head += chunk[: _HEAD_BYTES - len(head)]
        size_bytes += len(chunk)
        if size_bytes <= max_bytes:
            body += chunk
    return head, bytes(body) if size_bytes <= max_bytes else None


async def parse_json(body: bytes) -> Any:
    """Return the value of a JSON text; ValueError if it is none, or holds NaN or infinity."""
    if len(body) > _THREAD_ABOVE_BYTES:
        return await asyncio.to_thread(_parse, body)
    return _parse(body)


async def write_json(value: Any) -> str:
    """Return a JSON text, in ASCII: half of a surrogate pair, which JSON may hold, fits into no UTF-8."""
    return await asyncio.to_thread(json.dumps, value)


def _shown_text(job: PoolJob, progress: Any) -> str:
    return json.dumps(job.status_object(progress))


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _wait_ms(request: Request) -> int:
    text = request.query_params.get("wait", str(limits.DEFAULT_WAIT_MS))
    if not text.isdecimal() or not limits.MIN_WAIT_MS <= int(text) <= limits.MAX_WAIT_MS:
        raise _Refused(400, f"wait must be {limits.MIN_WAIT_MS} to {limits.MAX_WAIT_MS} milliseconds")
    return int(text)
