"""The client half of RunPod's protocol: run, runsync, status, stream, cancel, retry, purge-queue, health."""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestrator.pool import options as limits
from orchestrator.pool.protocol.bodies import THREAD_ABOVE_BYTES, bearer, parse_json, read_body, write_json
from orchestrator.pool.protocol.run_body import RunBody
from orchestrator.pool.queue import JobQueue, JobRequest
from orchestrator.pool.records import PoolJob
from shared.errors import StoreUnavailable

Answer = Callable[[Request], Awaitable[Response]]
Health = Callable[[], Awaitable[dict[str, dict[str, int]]]]


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
        post, either = ["POST"], ["GET", "POST"]
        return [
            Route("/v2/{endpoint}/run", self._guarded(self._run), methods=post),
            Route("/v2/{endpoint}/runsync", self._guarded(self._run_and_wait), methods=post),
            Route("/v2/{endpoint}/status/{job_id}", self._guarded(self._status), methods=either),
            Route("/v2/{endpoint}/stream/{job_id}", self._guarded(self._stream), methods=either),
            Route("/v2/{endpoint}/cancel/{job_id}", self._guarded(self._cancel), methods=post),
            Route("/v2/{endpoint}/retry/{job_id}", self._guarded(self._retry), methods=post),
            Route("/v2/{endpoint}/purge-queue", self._guarded(self._purge), methods=post),
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
        wait_ms = _wait_ms(request, limits.DEFAULT_WAIT_MS)
        job_id = await self._submit(request, limits.MAX_RUNSYNC_BYTES, "s1")
        return await self._shown(await self._queue.wait_for_end(job_id, wait_ms / 1000))

    async def _status(self, request: Request) -> Response:
        return await self._shown(await self._queue.find(request.path_params["job_id"]))

    async def _cancel(self, request: Request) -> Response:
        job = await self._queue.cancel(request.path_params["job_id"])
        if job is None:
            raise _Refused(404, "job not found")
        return JSONResponse({"id": job.id, "status": job.status.value})

    async def _stream(self, request: Request) -> Response:
        """Hand out the chunks that came since the last time, each once; wait for one if the job still runs."""
        if request.method == "HEAD":  # it would take chunks and throw them away
            raise _Refused(405, "method not allowed")
        wait_ms = _wait_ms(request, limits.DEFAULT_STREAM_WAIT_MS)
        await read_body(request, 0)
        job = await self._queue.wait_for_chunks(request.path_params["job_id"], wait_ms / 1000)
        if job is None:
            raise _Refused(404, "job not found")
        chunks = [] if await request.is_disconnected() else self._queue.chunks.drain(job.id)
        stream = ",".join(f'{{"output":{chunk}}}' for chunk in chunks)
        return Response(f'{{"status":"{job.status.value}","stream":[{stream}]}}', media_type="application/json")

    async def _retry(self, request: Request) -> Response:
        job = await self._queue.retry(request.path_params["job_id"])
        if job is None:
            raise _Refused(404, "job not found")
        if job.status.terminal:
            detail = f"only a job that FAILED or TIMED_OUT, within its ttl, is retried; this one is {job.status.value}"
            raise _Refused(400, detail)
        return JSONResponse({"id": job.id, "status": job.status.value})

    async def _purge(self, _request: Request) -> Response:
        return JSONResponse({"removed": await self._queue.purge(), "status": "completed"})

    async def _report_health(self, _request: Request) -> Response:
        return JSONResponse(await self._health())

    async def _shown(self, job: PoolJob | None) -> Response:
        if job is None:
            raise _Refused(404, "job not found")
        progress = self._queue.progress(job.id)
        large = len(job.output or "") > THREAD_ABOVE_BYTES
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


def _shown_text(job: PoolJob, progress: Any) -> str:
    return json.dumps(job.status_object(progress))


def _wait_ms(request: Request, default_ms: int) -> int:
    text = request.query_params.get("wait", str(default_ms))
    if not text.isdecimal() or not limits.MIN_WAIT_MS <= int(text) <= limits.MAX_WAIT_MS:
        raise _Refused(400, f"wait must be {limits.MIN_WAIT_MS} to {limits.MAX_WAIT_MS} milliseconds")
    return int(text)
