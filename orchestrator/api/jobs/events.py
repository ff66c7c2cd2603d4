"""Following a job: its history from wherever a client left off, then every change as it happens."""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from pydantic import Field
from sqlalchemy.engine import Connection
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from orchestrator.api.door.answers import json_response
from orchestrator.api.door.described import Described, Header, Reply
from orchestrator.api.door.problems import answer, request_id_of
from orchestrator.api.door.query import job_id_in, read_query
from orchestrator.api.jobs.news import message, read_news
from orchestrator.caller import Caller
from orchestrator.keys import READ_JOBS
from orchestrator.services import Services
from orchestrator.store.events import last_seq
from orchestrator.store.reading import job_status_of
from orchestrator.store.tenants import is_suspended
from orchestrator.streams import Place
from shared.clock import to_datetime
from shared.errors import AdapterError
from shared.refusals import (
    EventIdInvalid,
    LinkExpired,
    LinkInvalid,
    NotFound,
    RequestError,
    TenantSuspended,
    TooManyStreams,
)
from shared.wire.events import EventsLink, ItemEvent, StatusEvent
from shared.wire.job import ProgressView
from shared.wire.model import ClientModel
from shared.wire.status import Status

HEARTBEAT_S = 15.0
"""Proxies commonly cut a connection on which nothing came for 30 s and more."""
RETRY_MS = 3000
"""How long a client that was cut off waits before it comes again."""
LONGEST_S = 3600.0
"""The longest that one stream lasts, and a token is good for: a client comes again with a key that may be revoked."""
PROGRESS_EVERY_S = 1.0

_PURPOSE = "events"
_MIN_PAUSE_S = 0.1
"""Between two reads for one stream, however often its job changes."""
_STALLED_S = 30.0
"""How long a client may take none of what is sent to it."""
_SEQ = re.compile(r"[0-9]{1,18}")
_ANY_ORIGIN = {"access-control-allow-origin": "*"}

_log = structlog.get_logger()


class EventsQuery(ClientModel):
    """Parameters of an event stream."""

    last_event_id: str | None = Field(
        default=None, description="For clients that can't send Last-Event-ID; the header wins over it"
    )
    token: str | None = Field(default=None, description="From POST …/events/token, in the place of a key")


async def follow_job(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/jobs/{id}/events``: what has happened to a job, then every change as it happens (server-sent events).

    With a key, or from a page by the link that ``POST …/events/token`` makes.
    """
    until_ms = services.clock.now_ms() + round(LONGEST_S * 1000)
    return await _open(services, request, caller.tenant, until_ms, {})


async def follow_job_by_token(services: Services, request: Request) -> Response:
    """``GET /v1/jobs/{id}/events?token=…``: a stream for a page of any origin; so are its refusals."""
    try:
        tenant, until_ms = _opened_token(services, request)
        if await services.store.read(lambda connection: is_suspended(connection, tenant)):
            raise TenantSuspended
        return await _open(services, request, tenant, until_ms, _ANY_ORIGIN)
    except RequestError as refused:
        return answer(refused, request_id_of(request), _ANY_ORIGIN)


async def create_events_link(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /v1/jobs/{id}/events/token``: an address that anyone may follow the job at, for an hour."""
    job_id = job_id_in(request)
    if await services.store.read(lambda connection: job_status_of(connection, caller.tenant, job_id)) is None:
        raise NotFound
    expires_ms = services.clock.now_ms() + round(LONGEST_S * 1000)
    token = services.signer.seal(_PURPOSE, f"{caller.tenant}/{job_id}/{expires_ms}")
    url = f"{services.settings.public_url.rstrip('/')}/v1/jobs/{job_id}/events?token={token}"
    return json_response(EventsLink(url=url, expires_at=to_datetime(expires_ms)).model_dump_json().encode())


def _opened_token(services: Services, request: Request) -> tuple[str, int]:
    """Return the tenant whose job it is and the token's end; LinkInvalid, LinkExpired."""
    token = services.signer.open(_PURPOSE, request.query_params["token"])
    tenant, job_id, expires_ms = token.rsplit("/", 2)
    if job_id != job_id_in(request):
        raise LinkInvalid("This token is for another job.")
    if services.clock.now_ms() >= int(expires_ms):
        raise LinkExpired("This token's hour is over; ask for another one.")
    return tenant, int(expires_ms)


async def _open(services: Services, request: Request, tenant: str, until_ms: int, headers: dict[str, str]) -> Response:
    """Return the stream; 204, which ends a browser's coming again, to a client that knows how the job ended."""
    job_id, seq = job_id_in(request), _seen_seq(request)

    def look(connection: Connection) -> tuple[Status | None, int]:
        return job_status_of(connection, tenant, job_id), last_seq(connection, tenant, job_id)

    status, newest = await services.store.read(look)
    if status is None:
        raise NotFound
    if seq > newest:
        raise EventIdInvalid("This job has no such event yet.")
    if status.terminal and seq == newest:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"cache-control": "no-store", **headers})
    place = services.streams.take_place(tenant, services.settings.max_streams)
    return _Stream(place, _messages(services, tenant, job_id, seq, until_ms), headers)


def _seen_seq(request: Request) -> int:
    """Return the number of the last event that the client has; 0 for none. EventIdInvalid."""
    given = request.headers.get("last-event-id") or read_query(request, EventsQuery).last_event_id
    if given is None:
        return 0
    if not _SEQ.fullmatch(given):
        raise EventIdInvalid
    return int(given)


class _Stream(EventSourceResponse):
    """A stream that gives its place back, however it ends."""

    def __init__(self, place: Place, messages: AsyncIterator[bytes], headers: dict[str, str]) -> None:
        super().__init__(messages, headers=headers, ping=HEARTBEAT_S, send_timeout=_STALLED_S)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the job, the client, the server or the time ends it."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _log.info("stream.stalled")
        finally:
            self._place.give_back()


async def _messages(services: Services, tenant: str, job_id: str, seq: int, until_ms: int) -> AsyncIterator[bytes]:
    """Yield what is to be sent; woken by the job's changes alone."""
    yield ServerSentEvent(retry=RETRY_MS).encode()
    loop, told, told_s = asyncio.get_running_loop(), None, float("-inf")
    with services.streams.following(services.store, services.changes, job_id) as wake:
        while True:
            wake.clear()  # before the read, so that no change falls between the two
            due = loop.time() - told_s >= PROGRESS_EVERY_S
            asked_ms = services.clock.now_ms() if due else None
            look = partial(
                read_news, links=services.links, tenant=tenant, job_id=job_id, seq=seq, progress_at_ms=asked_ms
            )
            try:
                news = await services.store.read(look)
            except AdapterError as failed:
                _log.warning("stream.broken_off", code=failed.code)
                return
            seq = news.seq
            if news.sent:
                yield news.sent
            if news.ended:
                return
            if news.more:
                continue
            if news.progress is not None and _steps(news.progress) != told:
                told, told_s = _steps(news.progress), loop.time()
                yield message("progress", news.progress)
            left_s = (until_ms - services.clock.now_ms()) / 1000
            if services.streams.closing or left_s <= 0:
                return
            await asyncio.sleep(_MIN_PAUSE_S)
            await _wait(wake, left_s if due else told_s + PROGRESS_EVERY_S - loop.time())


async def _wait(wake: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await wake.wait()
    except TimeoutError:
        return


def _steps(progress: ProgressView) -> tuple[Any, ...]:
    """Return what counts as a change; the remaining time alone does not, for it is reckoned anew at every read."""
    return progress.stage, progress.percent, progress.items_done


_EXAMPLE = """\
retry: 3000

id: 41
event: status
data: {"status":"IN_PROGRESS","at":"2026-11-20T10:00:00Z"}

event: progress
data: {"stage":"encode","percent":41.5,"items_done":0,"items_total":1,"eta_s":12.0}

id: 42
event: item
data: {"id":"img-001","status":"COMPLETED","error":null,"output":{},"at":"2026-11-20T10:00:20Z"}

id: 43
event: status
data: {"status":"COMPLETED","summary":{"total":1,"succeeded":1,"failed":0},"error":null,"at":"2026-11-20T10:00:20Z"}
"""

ROUTES = (
    Described(
        "GET",
        "/v1/jobs/{job_id}/events",
        "Follow a job",
        keyed=follow_job,
        linked=follow_job_by_token,
        scope=READ_JOBS,
        query=EventsQuery,
        headers=(Header("Last-Event-ID", "The id of the last event that is known; what came after it is sent", "42"),),
        replies=(
            Reply(
                "`status` and `item` events, from the first or after Last-Event-ID and then as they happen, with"
                " `progress` between them; the stream ends with the job, or after an hour",
                media_type="text/event-stream",
                example=_EXAMPLE,
                events={"status": StatusEvent, "item": ItemEvent, "progress": ProgressView},
            ),
            Reply(
                "The job has ended, and Last-Event-ID is its last event",
                status=HTTPStatus.NO_CONTENT,
                media_type=None,
            ),
        ),
        refusals=(EventIdInvalid, LinkInvalid, LinkExpired, TooManyStreams),
    ),
    Described(
        "POST",
        "/v1/jobs/{job_id}/events/token",
        "Make a link to follow a job without a key",
        keyed=create_events_link,
        scope=READ_JOBS,
        replies=(Reply("The link, for an hour", EventsLink),),
    ),
)
