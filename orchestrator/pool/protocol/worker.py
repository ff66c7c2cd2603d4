"""The worker half of RunPod's protocol: take, stop, done, stream, ping. The runpod SDK's worker speaks it."""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestrator.pool import credentials
from orchestrator.pool.credentials import Worker
from orchestrator.pool.held import HeldRequest
from orchestrator.pool.options import MAX_CHUNK_BYTES
from orchestrator.pool.presence import Presence, SeenWorker
from orchestrator.pool.protocol.bodies import bearer, parse_json, read_body, write_json
from orchestrator.pool.queue import JobQueue, Outcome
from orchestrator.pool.records import TakenJob
from orchestrator.store.store import Store
from shared.clock import Clock
from shared.errors import StoreUnavailable

log = structlog.get_logger()

_NOTE_PING_EVERY_MS = 60_000
_MAX_BATCH = 100
_DRAINED_HOLD_S = 0.5
"""A worker that is to end waits for its open polls, so they are held only as long as it takes not to spin."""
_PROGRESS_START = b'{"status": "IN_PROGRESS"'
"""How the SDK writes a progress post; what is too large to be read whole is told from a result by it."""

Answer = Callable[[Request, Worker], Awaitable[Response]]


class WorkerHalf:
    """The routes that workers use. Every answer closes its connection and none is quick to say no.

    The SDK asks again at once after an empty answer and after most errors, so both are held; and it does not retry
    a post on a connection that was closed meanwhile, so no connection is kept.
    """

    def __init__(self, store: Store, clock: Clock, queue: JobQueue) -> None:
        self._store = store
        self._clock = clock
        self._queue = queue
        self._presence: Presence = queue.presence
        self._hold_s = queue.options.hold_s

    def routes(self) -> list[Route]:
        """Return the routes, paths from the server's root."""
        get, post = ["GET"], ["POST"]
        return [
            Route("/v2/{endpoint}/job-take/{worker_id}", self._facing(self._take), methods=get),
            Route("/v2/{endpoint}/job-take-batch/{worker_id}", self._facing(self._take_batch), methods=get),
            Route("/v2/{endpoint}/job-stop/{worker_id}", self._facing(self._stop), methods=get),
            Route("/v2/{endpoint}/job-done/{worker_id}/{job_id}", self._facing(self._done), methods=post),
            Route("/v2/{endpoint}/job-stream/{worker_id}/{job_id}", self._facing(self._stream), methods=post),
            Route("/v2/{endpoint}/ping/{worker_id}", self._facing(self._ping), methods=get),
        ]

    def _facing(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                response = await self._answered(request, answer)
            except StoreUnavailable:
                await asyncio.sleep(self._hold_s)
                response = Response(status_code=503)
            except ClientDisconnect:
                raise
            except Exception:  # a quick 500 would make every worker ask thousands of times a second
                log.exception("worker_request.failed", path=request.url.path)
                await asyncio.sleep(self._hold_s)
                response = Response(status_code=500)
            response.headers["connection"] = "close"
            return response

        return endpoint

    async def _answered(self, request: Request, answer: Answer) -> Response:
        if request.method == "HEAD":  # it would take a job and throw it away
            return Response(status_code=405)
        worker = await self._store.glance(partial(credentials.find_worker, worker_id=request.path_params["worker_id"]))
        known = worker is not None and _opens(worker, bearer(request))
        if worker is not None and known and request.path_params["endpoint"] == self._queue.endpoint == worker.endpoint:
            return await answer(request, worker)
        await asyncio.sleep(self._hold_s)
        return Response(status_code=404 if known else 401)

    async def _take(self, request: Request, worker: Worker) -> Response:
        taken = await self._wait_for_jobs(request, worker, 1)
        return _json(_job_text(taken[0])) if taken else Response(status_code=204)

    async def _take_batch(self, request: Request, worker: Worker) -> Response:
        size = request.query_params.get("batch_size", "1")
        limit = min(int(size), _MAX_BATCH) if size.isdecimal() and int(size) else 1
        taken = await self._wait_for_jobs(request, worker, limit)
        return _json(f"[{','.join(map(_job_text, taken))}]") if taken else Response(status_code=204)

    async def _wait_for_jobs(self, request: Request, worker: Worker, limit: int) -> list[TakenJob]:
        """Return up to `limit` jobs for a worker that is still listening, or nothing when the hold is over."""
        async with HeldRequest(request, self._hold_s) as held:
            with self._presence.polling(worker.id, local=worker.local) as seen:
                while held.connected and not seen.draining:
                    if taken := await self._take_while_listening(held, worker.id, limit):
                        return taken
                    if not held.remaining_s:
                        return []
                self._queue.takers.ring()  # a turn that fell to one who may not take goes to the next
                await held.wait(asyncio.Event(), _DRAINED_HOLD_S)
                return []

    async def _take_while_listening(self, held: HeldRequest, worker_id: str, limit: int) -> list[TakenJob]:
        turn = self._presence.waits_for(worker_id, self._queue.takers.join())
        try:
            taken = await self._queue.take(worker_id, limit)
            if taken and not await held.still_connected():
                await self._queue.give_back(worker_id, [job.id for job in taken])
                return []
            if not taken and await held.wait(turn) and not held.connected:
                self._queue.takers.ring()  # the turn of one who left goes to the next
            return taken
        finally:
            self._queue.takers.leave(turn)

    async def _stop(self, request: Request, worker: Worker) -> Response:
        async with HeldRequest(request, self._hold_s) as held:
            with self._presence.polling(worker.id, local=worker.local) as seen:
                while held.connected:
                    if stops := self._presence.stops_to_offer(worker.id):
                        return JSONResponse({"jobsToStop": stops})
                    if not held.remaining_s:
                        break
                    await self._wait_to_tell(held, seen)
                    if seen.draining:
                        break
        return Response(status_code=204)

    async def _wait_to_tell(self, held: HeldRequest, seen: SeenWorker) -> None:
        if seen.draining:
            await held.wait(asyncio.Event(), _DRAINED_HOLD_S)
        else:
            await held.wait(seen.told, 1.0 if seen.stops else None)

    async def _done(self, request: Request, worker: Worker) -> Response:
        job_id = request.path_params["job_id"]
        head, body = await read_body(request, self._queue.options.max_result_bytes)
        if body is None:
            if not head.startswith(_PROGRESS_START):
                error = f"the result is larger than {self._queue.options.max_result_bytes} bytes; return references"
                await self._queue.finish(worker.id, job_id, Outcome(None, error))
            return Response()
        post = await _parsed(body)
        if post.get("status") == "IN_PROGRESS":
            await self._queue.note_progress(worker.id, job_id, post.get("output"))
            return Response()
        if post.get("stopPod"):
            self._presence.drain(worker.id)
        ended = await self._queue.finish(worker.id, job_id, await _outcome(post))
        if not ended:
            log.info("pool_job.late_result_dropped", pool_job_id=job_id, worker_id=worker.id)
        return Response()

    async def _stream(self, request: Request, worker: Worker) -> Response:
        """Keep a chunk for the job's readers; one that is too large ends the job, or its loss would go unnoticed."""
        job_id = request.path_params["job_id"]
        _, body = await read_body(request, MAX_CHUNK_BYTES)
        if body is None:
            error = f"a streamed chunk is larger than {MAX_CHUNK_BYTES} bytes"
            if await self._queue.finish(worker.id, job_id, Outcome(None, error)):
                self._presence.stop(worker.id, job_id)
            return Response()
        post = await _parsed(body)
        if "output" in post:
            await self._queue.note_chunk(worker.id, job_id, await write_json(post["output"]))
        return Response()

    async def _ping(self, request: Request, worker: Worker) -> Response:
        if request.query_params.get("status") == "unhealthy":
            log.warning(
                "worker.reported_unhealthy", worker_id=worker.id, reason=request.query_params.get("reason", "")[:300]
            )
        job_ids = frozenset(filter(None, request.query_params.get("job_id", "").split(",")))
        seen = self._presence.pinged(worker.id, job_ids)
        now_ms = self._clock.now_ms()
        if now_ms - (seen.noted_ping_ms or 0) > _NOTE_PING_EVERY_MS:
            seen.noted_ping_ms = now_ms
            await self._store.write(partial(credentials.note_ping, worker_id=worker.id, now_ms=now_ms))
        return Response()


def _opens(worker: Worker, token: str) -> bool:
    return hmac.compare_digest(worker.token_hash, credentials.token_hash(token))


def _job_text(job: TakenJob) -> str:
    return f'{{"id":{json.dumps(job.id)},"input":{job.input}}}'


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


async def _parsed(body: bytes) -> dict[str, Any]:
    """Return what a worker posted; the SDK calls it a form, but it is JSON."""
    try:
        post = await parse_json(body)
    except ValueError:
        return {"error": "the worker's result is not JSON"}
    return post if isinstance(post, dict) else {"error": "the worker's result is not a JSON object"}


async def _outcome(post: dict[str, Any]) -> Outcome:
    output = await write_json(post["output"]) if "output" in post else None
    error = post.get("error")
    if error is not None and not isinstance(error, str):
        error = await write_json(error)
    return Outcome(output, error and error.encode("utf-8", "replace").decode())
