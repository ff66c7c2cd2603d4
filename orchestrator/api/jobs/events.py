"""Following a job: its history from wherever a client left off, then every change as it happens."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from pydantic import Field
from pydantic_core import to_json
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
from orchestrator.caller import Caller
from orchestrator.keys import READ_JOBS
from orchestrator.services import Services
from orchestrator.store.events import events_after, items_named, last_seq
from orchestrator.store.reading import Stored, job_row, job_status_of, task_rows
from orchestrator.streams import Place
from orchestrator.views import Json, item_view, progress_view
from shared.clock import to_datetime
from shared.errors import AdapterError
from shared.refusals import EventIdInvalid, LinkExpired, LinkInvalid, NotFound, RequestError, TooManyStreams
from shared.wire.events import EventsLink
from shared.wire.job import JobSummary, ProgressView
from shared.wire.model import ClientModel
from shared.wire.status import Status

HEARTBEAT_S = 15.0
"""Proxies commonly cut a connection on which nothing came for 30 s and more."""
RETRY_MS = 3000
"""How long a client that was cut off waits before it comes again."""
LONGEST_S = 3600.0
"""The longest that one stream lasts, and a token is good for: a client comes again with a key that may be revoked."""
PROGRESS_EVERY_S = 1.0
PAGE = 100
"""How many events are read and sent at once."""
ITEM_OUTPUT_BYTES = 16 << 10
"""The longest list of an item's files that an event carries."""

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
    """``GET /v1/jobs/{id}/events``: a stream for a caller with a key."""
    until_ms = services.clock.now_ms() + round(LONGEST_S * 1000)
    return await _open(services, request, caller.tenant, until_ms, {})


async def follow_job_by_token(services: Services, request: Request) -> Response:
    """``GET /v1/jobs/{id}/events?token=…``: a stream for a page of any origin; so are its refusals."""
    try:
        tenant, until_ms = _opened_token(services, request)
        return await _open(services, request, tenant, until_ms, _ANY_ORIGIN)
    except RequestError as refused:
        return answer(refused, request_id_of(request), _ANY_ORIGIN)


async def make_token(services: Services, request: Request, caller: Caller) -> Response:
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
            try:
                news = await services.store.read(partial(_read_news, services, tenant, job_id, seq, due))
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
                yield _message("progress", news.progress)
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


@dataclass(frozen=True, slots=True)
class _News:
    """What one read found."""

    seq: int
    sent: bytes = b""
    progress: ProgressView | None = None
    more: bool = False
    ended: bool = False


def _read_news(
    services: Services, tenant: str, job_id: str, seq: int, with_progress: bool, connection: Connection
) -> _News:
    """Read what came after `seq`. The job's row is read last, so that it is no older than the events beside it."""
    rows = events_after(connection, tenant, job_id, seq, PAGE)
    named = [row.data["id"] for row in rows if row.type == "item"]
    items = {item.item_id: item for item in items_named(connection, tenant, job_id, named)}
    job = job_row(connection, tenant, job_id)
    if job is None:
        return _News(seq, ended=True)
    sent = bytearray()
    ended = False
    for row in rows:
        at = to_datetime(row.at_ms)
        if row.type == "status":
            ended = Status(row.data["status"]).terminal
            view = _status_view(row.data["status"], job if ended else None)
        else:
            view = _item_view(item_view(items[row.data["id"]], job_id, services.links))
        sent += _message(row.type, {**view, "at": at}, row.seq)
    more = len(rows) == PAGE and not ended
    progress = None
    if with_progress and not more and not ended:
        progress = progress_view(job, task_rows(connection, tenant, job_id), services.clock.now_ms())
    return _News(rows[-1].seq if rows else seq, bytes(sent), progress, more, ended)


def _status_view(status: str, ended_job: Stored | None) -> Json:
    if ended_job is None:
        return {"status": status}
    summary = JobSummary(
        total=ended_job["items_total"], succeeded=ended_job["items_succeeded"], failed=ended_job["items_failed"]
    )
    return {"status": status, "summary": summary, "error": ended_job["error"]}


def _item_view(view: Json) -> Json:
    """Return an item as an event shows it: without its report, and with its files unless they are very many."""
    del view["result"]
    if len(to_json(view["output"])) > ITEM_OUTPUT_BYTES:
        view["output"] = None
    return view


def _steps(progress: ProgressView) -> tuple[Any, ...]:
    """Return what counts as a change; the remaining time alone does not, for it is reckoned anew at every read."""
    return progress.stage, progress.percent, progress.items_done


def _message(kind: str, data: Any, seq: int | None = None) -> bytes:
    """Return one event; progress has no number, since it is not stored."""
    text = to_json(data).decode()
    return ServerSentEvent(text, event=kind, id=None if seq is None else str(seq), sep="\n").encode()


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
        keyed=make_token,
        scope=READ_JOBS,
        replies=(Reply("The link, for an hour", EventsLink),),
    ),
)
