"""Requests that can't be taken: each is refused with a problem that helps, and nothing is stored."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from orchestrator.api.routes import described_routes
from orchestrator.store import tables
from tests.orchestrator.api.running import IMAGE, Api, running_api

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(folder: Path, database: Path) -> AsyncIterator[Api]:
    """One server for the whole table: a refused request leaves nothing that the next could meet."""
    async with running_api(folder, database) as running:
        yield running


async def stored(api: Api) -> list[int]:
    return [await api.count(table) for table in (tables.jobs, tables.items, tables.tasks, tables.events)]


def echo(**fields: Any) -> dict[str, Any]:
    return {"operation": "echo", "items": [{"id": "a"}], **fields}


def video(**params: Any) -> dict[str, Any]:
    return {"operation": "img2vid", "items": [{"id": "a", "image": IMAGE, **params}]}


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (echo(operation="img2gif"), "unknown-operation", "/operation"),
        (echo(operation="../etc/passwd"), "validation-failed", "/operation"),
        (echo(operation=None), "validation-failed", "/operation"),
        (echo(colour="red"), "validation-failed", "/colour"),
        (echo(items=[{"id": "a"}, {"id": "b"}, {"id": "a"}]), "validation-failed", "/items/2/id"),
        (echo(items=[]), "validation-failed", "/items"),
        (echo(items=[{"id": str(n)} for n in range(1001)]), "validation-failed", "/items"),
        (echo(items={"id": "a"}), "validation-failed", "/items"),
        (echo(items=[{"id": "a b"}]), "validation-failed", "/items/0/id"),
        (echo(items=[{"id": 1}]), "validation-failed", "/items/0/id"),
        (echo(items=[{}]), "validation-failed", "/items/0/id"),
        (echo(input={"text": "x"}), "validation-failed", ""),
        ({"operation": "echo"}, "validation-failed", ""),
        (echo(labels={str(n): "" for n in range(17)}), "validation-failed", "/labels"),
        (echo(output_ttl_s=1), "validation-failed", "/output_ttl_s"),
        (video(colour="red"), "validation-failed", "/items/0/colour"),
        (video(fps=True), "validation-failed", "/items/0/fps"),
        (video(fps="24"), "validation-failed", "/items/0/fps"),
        (video(fps=2**40), "validation-failed", "/items/0/fps"),
        (video(width=1921), "validation-failed", "/items/0/width"),
        (video(duration_s=-1), "validation-failed", "/items/0/duration_s"),
        (video(focus={"x": 0.5, "z": 1}), "validation-failed", "/items/0/focus/z"),
        (video(image="file:///etc/passwd"), "validation-failed", "/items/0/image"),
        (video(image="http://127.0.0.1/a.jpg"), "validation-failed", "/items/0/image"),
        (video(image="output://job_01HZZZZZZZZZZZZZZZZZZZZZZZ/a/video"), "validation-failed", "/items/0/image"),
        ({**video(), "defaults": {"fps": 0}}, "validation-failed", "/defaults/fps"),
        ([], "validation-failed", None),
        ("echo", "validation-failed", None),
        (None, "validation-failed", None),
    ],
)
async def test_a_job_that_does_not_fit_is_pointed_at(api: Api, body: Any, code: str, pointer: str | None) -> None:
    before = await stored(api)
    headers = {"content-type": "application/json"}
    answer = await api.client.post("/v1/jobs", content=json.dumps(body), headers=headers)
    told = answer.json()
    assert (answer.status_code, told["status"], told["code"]) == (422, 422, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert [fault["pointer"] for fault in told["errors"]] == ([] if pointer is None else [pointer])
    assert all(fault["detail"] for fault in told["errors"])
    assert await stored(api) == before


NOT_JSON = {
    "nothing": b"",
    "a name without quotes": b"{a}",
    "a comma at the end": b'{"operation":"echo",}',
    "two values": b"{} {}",
    "1000 levels": b"[" * 1000 + b"]" * 1000,
    "65 levels": b'{"a":' * 65 + b"1" + b"}" * 65,
    "100000 levels": b"[" * 100_000,
    "bad UTF-8": b'{"a":"\xff"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "Latin-1": '{"a":"é"}'.encode("latin-1"),
    "half a surrogate pair": b'{"a":"\\ud800"}',
    "half a surrogate pair as a name": b'{"\\udfff":1}',
    "a surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "NUL escaped": b'{"a":"x\\u0000y"}',
    "NUL in a name": b'{"x\\u0000y":1}',
    "NUL beside others": '{"a":"é\\u0000"}'.encode(),
    "NUL": b'{"a":"x\0y"}',
    "a line end in a text": b'{"a":"x\ny"}',
    "a name twice": b'{"operation":"echo","operation":"img2vid"}',
    "a name twice, deep": b'{"a":[{"b":1,"b":1}]}',
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "-Infinity": b'{"a":-Infinity}',
    "1e999": b'{"a":1e999}',
    "-1e999": b'{"a":-1e999}',
    "2^53 + 1": b'{"a":9007199254740993}',
    "2^63": b'{"a":9223372036854775808}',
    "5000 digits": b'{"a":' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=NOT_JSON)
async def test_what_is_not_strict_json_is_refused(api: Api, raw: bytes) -> None:
    before = await stored(api)
    answer = await api.client.post("/v1/jobs", content=raw, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-json")
    assert len(answer.json()["detail"]) < 200
    assert await stored(api) == before


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/json; charset=utf-7",
        "application/json; charset=latin-1",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "text/json",
        "application/jsonx",
    ],
)
async def test_another_content_type_is_refused(api: Api, content_type: str | None) -> None:
    before = await stored(api)
    headers = {} if content_type is None else {"content-type": content_type}
    answer = await api.client.post("/v1/jobs", content=b'{"operation":"echo","input":{}}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")
    assert await stored(api) == before


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; Charset=UTF-8", "application/vnd.x+json"]
)
async def test_json_by_its_other_names_is_taken(api: Api, content_type: str) -> None:
    body = b'{"operation":"echo","input":{}}'
    answer = await api.client.post("/v1/jobs", content=body, headers={"content-type": content_type})
    assert answer.status_code == 202


WITH_A_BODY = [
    (route.method, route.path, 422 if route.body_required else 404)
    for route in described_routes()
    if route.body is not None
]


@pytest.mark.parametrize(("method", "path", "of_nothing"), WITH_A_BODY, ids=str)
async def test_every_route_with_a_body_reads_it_as_strictly(api: Api, method: str, path: str, of_nothing: int) -> None:
    as_json = {"content-type": "application/json"}
    tries: list[tuple[bytes, dict[str, str]]] = [
        (b"{a}", as_json),
        (b'{"a":1,"a":1}', as_json),
        (b"[" * 100_000, as_json),
        (b'{"a":"\xff"}', as_json),
        (b"{}", {"content-type": "application/json; charset=utf-7"}),
        (b"{}", {}),
        (b"x" * (3 << 20), as_json),
        (b"[]", as_json),
        (b"{}", as_json),
    ]
    answers = [await api.client.request(method, path, content=raw, headers=headers) for raw, headers in tries]
    assert [answer.status_code for answer in answers] == [400] * 4 + [415] * 2 + [413] + [422, of_nothing]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


async def test_a_compressed_body_is_refused(api: Api) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert (await api.client.post("/v1/jobs", content=b"x", headers=headers)).status_code == 415


async def test_a_body_over_the_cap_is_refused_and_the_connection_closed(api: Api) -> None:
    before = await stored(api)
    text = "x" * (3 << 20)
    announced = await api.client.post("/v1/jobs", json=echo(items=[{"id": "a", "text": text}]))

    async def in_pieces() -> Any:
        yield b'{"operation":"echo","items":[{"id":"a","text":"'
        for _ in range(48):
            yield b"x" * (64 << 10)
        yield b'"}]}'

    chunked = await api.client.post("/v1/jobs", content=in_pieces(), headers={"content-type": "application/json"})
    for answer in (announced, chunked):
        assert (answer.status_code, answer.json()["code"]) == (413, "payload-too-large")
        assert answer.headers["connection"] == "close"
    assert await stored(api) == before


async def test_an_announced_flood_is_refused_before_it_comes(api: Api) -> None:
    asked = f"POST /v1/jobs HTTP/1.1\r\nhost: x\r\nx-api-key: {api.key.key}\r\n".encode()
    asked += b"content-type: application/json\r\ncontent-length: 99999999999\r\n\r\n"
    answer = await said(api, asked)
    assert answer.startswith(b"HTTP/1.1 413")


async def said(api: Api, asked: bytes) -> bytes:
    """Return the head that a raw request is answered with."""
    host, port = re.fullmatch(r"http://(.*):(\d+)", api.url).groups()  # type: ignore[union-attr]
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(asked)
        return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    finally:
        writer.close()


async def test_a_large_body_just_under_the_cap_is_taken(api: Api) -> None:
    body = {"operation": "echo", "input": {"text": "x" * 2_000_000}}
    assert (await api.client.post("/v1/jobs", json=body)).status_code == 202


async def test_unknown_addresses_and_methods_are_problems_too(api: Api) -> None:
    async with httpx.AsyncClient(base_url=api.url) as stranger:
        lost = await stranger.get("/nowhere")
        wrong = await stranger.delete("/v1/jobs")
    assert (lost.status_code, lost.json()["code"]) == (404, "not-found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method-not-allowed")
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    for answer in (lost, wrong):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("job_id", ["job_1", "x", "job_" + "0" * 27, "%00", "job_01HZZZZZZZZZZZZZZZZZZZZZZ%0a", "é"])
async def test_what_can_not_be_a_job_id_is_not_found(api: Api, job_id: str) -> None:
    answer = await api.client.get(f"/v1/jobs/{job_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("address", "pointer"),
    [
        ("/v1/jobs?label=order:A%0017", "?label"),
        ("/v1/jobs?label=order:17&label=colour:%00", "?label"),
        ("/v1/jobs?operation=%00", "?operation"),
        ("/v1/jobs?cursor=job_%00", "?cursor"),
        ("/v1/audit?subject=job_%00", "?subject"),
        ("/v1/jobs?wh%00t=1", "?wh\x00t"),
    ],
)
async def test_a_query_with_the_character_nul_is_refused(api: Api, address: str, pointer: str) -> None:
    async with api.as_tenant("acme", ["admin"]) as admin:
        answer = await admin.get(address)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed"), answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert "NUL" in answer.json()["errors"][0]["detail"]
