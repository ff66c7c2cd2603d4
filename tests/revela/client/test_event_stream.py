"""Events are read from bytes in any pieces, and go on after every break."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from revela import ConnectionFailed, NotRevela, StatusEvent, StreamEvent
from revela.client.api.event_stream import EventStream
from tests.revela.client.both import Caller
from tests.revela.client.scripted import problem
from tests.serving import serving

AT = "2026-01-01T00:00:00Z"


def told(kind: str, data: dict[str, Any], event_id: str | None = None) -> str:
    id_line = "" if event_id is None else f"id: {event_id}\n"
    return f"{id_line}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


QUEUED = told("status", {"status": "IN_QUEUE", "at": AT}, "1")
ITEM = told("item", {"id": "ü-\u2028", "status": "COMPLETED", "at": AT}, "2")
PROGRESS = told("progress", {"stage": "encode", "percent": 1, "items_done": 0, "items_total": 1})
ENDED = told("status", {"status": "COMPLETED", "at": AT}, "3")
ALL = f"retry: 3000\n\n: ping\n\n{QUEUED}{ITEM}{PROGRESS}event: news\ndata: of a later release\n\n{ENDED}"


def summary(events: list[StreamEvent]) -> list[tuple[str, str | None]]:
    return [(event.type, event.id) for event in events]


WHOLE = [("status", "1"), ("item", "2"), ("progress", None), ("status", "3")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_pieces_and_line_ends_make_no_difference(line_end: str, size: int) -> None:
    stream = EventStream("job_00000000000000000000000001", None)
    stream.options()
    content = ALL.replace("\n", line_end).encode() + b" "
    events = [event for n in range(0, len(content), size) for event in stream.read(content[n : n + size])]
    assert summary(events) == WHOLE
    assert (stream.last_id, stream.ended) == ("3", True)
    assert not isinstance(events[1].data, StatusEvent)
    assert events[1].data.model_dump()["id"] == "ü-\u2028"


def serve_pieces(pieces: list[str | Response], asked: list[str | None]) -> Starlette:
    """Return a server each of whose answers is one of the pieces, after which the connection ends."""

    async def answer(request: Request) -> Response:
        asked.append(request.headers.get("last-event-id"))
        piece = pieces.pop(0) if len(pieces) > 1 else pieces[0]
        if isinstance(piece, Response):
            return piece

        async def body() -> AsyncIterator[bytes]:
            yield piece.encode()

        return StreamingResponse(body(), media_type="text/event-stream; charset=utf-8")

    return Starlette(routes=[Route("/v1/jobs/job_00000000000000000000000001/events", answer)])


def test_a_stream_that_breaks_off_goes_on_after_the_last_event(call: Caller) -> None:
    asked: list[str | None] = []
    pieces: list[str | Response] = [QUEUED, problem(503), ITEM + ENDED[:20], PROGRESS + ENDED]
    with serving(serve_pieces(pieces, asked)) as url:
        events: list[StreamEvent] = call(url, "events", "job_00000000000000000000000001")
    assert summary(events) == WHOLE
    assert asked == [None, "1", "1", "2"]


def test_a_stream_can_begin_after_an_event_and_a_known_end_is_one(call: Caller) -> None:
    asked: list[str | None] = []
    with serving(serve_pieces([ENDED, Response(status_code=204)], asked)) as url:
        assert summary(call(url, "events", "job_00000000000000000000000001", after="2")) == [("status", "3")]
        assert call(url, "events", "job_00000000000000000000000001", after="3") == []
    assert asked == ["2", "3"]


def test_a_stream_that_never_tells_anything_new_is_given_up(call: Caller) -> None:
    asked: list[str | None] = []
    with serving(serve_pieces([QUEUED, ""], asked)) as url, pytest.raises(ConnectionFailed, match="broke off"):
        call(url, "events", "job_00000000000000000000000001")
    assert asked == [None, "1", "1", "1"]


def test_what_is_no_stream_is_told(call: Caller) -> None:
    with serving(serve_pieces([Response("<h1>Hello</h1>")], [])) as url, pytest.raises(NotRevela):
        call(url, "events", "job_00000000000000000000000001")
    with serving(serve_pieces([told("status", {"status": "ODD", "at": AT})], [])) as url, pytest.raises(NotRevela):
        call(url, "events", "job_00000000000000000000000001")
