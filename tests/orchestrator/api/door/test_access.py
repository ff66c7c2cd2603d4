"""The frame of a request: its id, its line in the log, and errors that nobody expected."""

import asyncio
import json

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from orchestrator.api.door.access import RequestLog
from orchestrator.api.door.problems import exception_handlers
from shared.errors import OperationFailed, StoreUnavailable
from shared.logs import configure_logs
from tests.orchestrator.api.running import Api
from tests.serving import serving_here

SECRET = "postgresql://user:hunter2@db/revela"


async def crash(request: Request) -> Response:
    raise RuntimeError(SECRET)


async def crash_as_job(request: Request) -> Response:
    raise OperationFailed(SECRET)


async def crash_late(request: Request) -> Response:
    async def pieces() -> object:
        yield b"x"
        raise RuntimeError(SECRET)

    return StreamingResponse(pieces())  # type: ignore[arg-type]


async def unavailable(request: Request) -> Response:
    raise StoreUnavailable from RuntimeError(SECRET)


APP = Starlette(
    routes=[
        Route("/crash/{token}", crash),
        Route("/job", crash_as_job),
        Route("/late", crash_late),
        Route("/unavailable", unavailable),
    ],
    middleware=[Middleware(RequestLog)],
    exception_handlers=exception_handlers(),
)


@pytest.mark.parametrize("path", ["/crash/x", "/job"])
async def test_an_unexpected_error_is_told_to_nobody_but_the_log(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with serving_here(APP) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.get(path, headers={"x-request-id": "from-proxy.1"})
        assert answer.status_code == 500
        assert answer.json() == {
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "Something went wrong.",
            "code": "internal",
            "errors": [],
            "request_id": "from-proxy.1",
        }
        assert (await client.get("/late-no-such")).status_code == 404


async def test_an_answer_that_breaks_off_is_cut_and_the_server_lives() -> None:
    with capture_logs() as logged:
        await meet_an_answer_that_breaks_off()
    assert [line["event"] for line in logged if line["log_level"] == "error"] == ["request.failed"]


async def meet_an_answer_that_breaks_off() -> None:
    async with serving_here(APP) as url, httpx.AsyncClient(base_url=url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/late")
        assert (await client.get("/unavailable")).status_code == 503


async def test_a_failed_driver_is_a_503_with_a_time_to_come_back() -> None:
    async with serving_here(APP) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/unavailable")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "store-unavailable", "5")
    assert "hunter2" not in answer.text


async def test_a_request_keeps_a_plain_id_and_gets_one_otherwise(api: Api) -> None:
    given = await api.client.get("/livez", headers={"x-request-id": "abc-1"})
    assert given.headers.get_list("x-request-id") == ["abc-1"]
    for odd in ("a b", "x" * 65, "a\tb", "<script>", ""):
        made = await api.client.get("/livez", headers={"x-request-id": odd})
        assert made.headers["x-request-id"] not in (odd, "")
    ids = {(await api.client.get("/livez")).headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20


async def test_the_log_names_routes_and_never_capabilities(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json")
    try:
        await asyncio.gather(
            api.client.get("/output/SECRETTOKEN/a.mp4?secret=QUERYSECRET"),
            api.client.post("/hooks/endpoint/SECRETTOKEN", json={}),
            api.client.get("/v1/jobs?status=DONE"),
            api.client.get("/livez"),
        )
    finally:
        logged = capsys.readouterr().err
        structlog.reset_defaults()
    lines = [json.loads(line) for line in logged.splitlines()]
    told = sorted(
        (line["method"], line["route"], line["status"]) for line in lines if line["event"] == "request.answered"
    )
    assert told == [
        ("GET", "/output/{token}/{name}", 403),
        ("GET", "/v1/jobs", 422),
        ("POST", "/hooks/endpoint/{token}", 403),
    ]
    assert all(line["request_id"] and line["duration_ms"] >= 0 for line in lines)
    assert [line["tenant"] for line in lines if line["route"] == "/v1/jobs"] == ["acme"]
    assert "SECRET" not in logged
    assert api.key.key not in logged
