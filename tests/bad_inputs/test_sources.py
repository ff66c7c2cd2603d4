"""B9 to B12, B19 and the hosts of a tenant: what names and servers do once the address looks good."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from orchestrator.store.tenants import set_source_hosts
from shared.addresses import AllowList
from shared.errors import JobError, SourceBlocked, SourceRedirects
from shared.fetch_guard import _next_hop, check_address, guarded_session
from shared.wire.work_order import InputGrant, ItemOrder
from tests import pictures
from tests.bad_inputs.names import Names
from tests.loopback import Answer, ObjectServer, RawServer, http_answer, object_server, raw_server
from tests.orchestrator.api.running import database, running_api
from tests.worker import orders
from worker.context import CancelFlag
from worker.registry import Registry
from worker.run_task import Machine, run_task
from worker.transfer.fetch import Clients, download

__all__ = ["database"]


@pytest.fixture
async def sink() -> AsyncIterator[RawServer]:
    """A server that must not be reached."""
    async with raw_server(http_answer(b"secret")) as server:
        yield server


@pytest.fixture
async def store() -> AsyncIterator[ObjectServer]:
    """An empty object store."""
    async with object_server() as server:
        yield server


async def fetch(url: str, folder: Path, names: Names, *allowed: str) -> None:
    """Fetch as a worker does; what failed must have left nothing behind."""
    async with aiohttp.ClientSession() as own, guarded_session(allowed, names) as user:
        grant = InputGrant(url=url, origin="user", max_bytes=100)
        await download(Clients(own, user), grant, folder / "source", max_bytes=100, timeout_s=10)


@pytest.mark.parametrize(
    "answer",
    [["93.184.215.14", "10.0.0.5"], ["127.0.0.1", "93.184.215.14"], ["93.184.215.14", "fd00::1"]],
    ids=",".join,
)
async def test_b9_mixed_answer_is_hostile(sink: RawServer, tmp_path: Path, answer: list[str]) -> None:
    names = Names(answer)
    with pytest.raises(SourceBlocked):
        await fetch(f"http://mixed.example:{sink.port}/a.jpg", tmp_path, names, "192.0.2.1:9")
    assert (names.asked, sink.connections) == (1, 0)


async def test_b10_rebinding_name_is_looked_up_once_and_reached_only_there(sink: RawServer, tmp_path: Path) -> None:
    """The listed address stands for the public one; the second answer, another loopback one, is never asked for."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    await fetch(f"http://twice.example:{sink.port}/a.jpg", tmp_path, names, sink.host_and_port)
    assert (tmp_path / "source").read_bytes() == b"secret"
    assert (names.asked, sink.connections) == (1, 1)
    with pytest.raises(SourceBlocked):
        await fetch(f"http://twice.example:{sink.port}/a.jpg", tmp_path, names, sink.host_and_port)
    assert sink.connections == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://metadata.google.internal/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "//127.0.0.1:{port}/x",
        "http://[::ffff:7f00:1]:{port}/x",
        "http://2130706433:{port}/x",
        "http://inside.example:{port}/x",
    ],
)
async def test_b11_redirect_inside_is_not_followed(sink: RawServer, tmp_path: Path, location: str) -> None:
    found = http_answer(status="302 Found", location=location.format(port=sink.port))
    names = Names(["127.0.0.3"])
    async with raw_server(found) as server:
        with pytest.raises(SourceBlocked):
            await fetch(server.base_url, tmp_path, names, server.host_and_port)
        assert server.connections == 1
    assert sink.connections == 0


def test_b11_redirect_from_https_to_http_is_refused() -> None:
    with pytest.raises(SourceBlocked):
        _next_hop(URL("https://a.example/x"), "http://a.example/x", AllowList())


async def in_a_loop(head: bytes, writer: asyncio.StreamWriter) -> None:
    """Redirect to itself."""
    writer.write(http_answer(status="302 Found", location="/"))


async def further_and_further(head: bytes, writer: asyncio.StreamWriter) -> None:
    """Redirect to a new address each time."""
    writer.write(http_answer(status="302 Found", location=f"{head.split()[1].decode()}x"))


@pytest.mark.parametrize(
    ("answer", "hits"), [(in_a_loop, 4), (further_and_further, 4), (http_answer(status="302 Found"), 1)]
)
async def test_b12_redirect_without_end_or_aim_is_given_up(tmp_path: Path, answer: Answer | bytes, hits: int) -> None:
    async with raw_server(answer) as server:
        with pytest.raises(SourceRedirects):
            await fetch(server.base_url, tmp_path, Names([]), server.host_and_port)
        assert server.connections == hits


PHOTO = pictures.photo(320, 240)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<!doctype html><title>Not found</title>", "media-format"),
        (b"", "media-empty"),
        (PHOTO[: len(PHOTO) * 9 // 10], "media-corrupt"),
    ],
    ids=["html", "empty", "truncated"],
)
async def test_b19_answer_that_is_no_picture_is_said_so(
    store: ObjectServer, tmp_path: Path, body: bytes, code: str
) -> None:
    source = store.put("a.jpg", body)
    item = ItemOrder(
        id="a",
        params={"image": source, "duration_s": 1},
        outputs={"video": orders.grant(store, "a.mp4")},
        result=orders.grant(store, "result.json"),
        committed_url=store.url("result.json"),
    )
    order = orders.order(
        store,
        "img2vid",
        {},
        inputs={source: InputGrant(url=source, origin="user", max_bytes=1 << 20)},
        allow_private=[store.host_and_port],
    ).model_copy(update={"items": [item]})
    machine = Machine(registry=Registry.discover(), work_dir=tmp_path, concurrency=1, threads_per_item=1)
    await run_task(order, machine, report=lambda _: None, cancel=CancelFlag())
    [result] = orders.manifest(store).items
    assert result.error is not None
    assert (result.error.code, result.error.retryable, result.outputs) == (code, False, {})
    assert "a.mp4" not in store.objects


ALLOWED = ["example.com", "*.cdn.example", "münchen.example"]
OUTSIDE = [
    "https://example.com.evil.test/a.jpg",
    "https://evilexample.com/a.jpg",
    "https://www.example.com/a.jpg",
    "https://cdn.example/a.jpg",
    "https://evilcdn.example/a.jpg",
    "https://8.8.8.8/a.jpg",
]
INSIDE = [
    "https://example.com/a.jpg",
    "https://EXAMPLE.com./a.jpg",
    "https://a.b.cdn.example/a.jpg",
    "https://xn--mnchen-3ya.example/a.jpg",
]


def test_hosts_of_a_tenant_are_compared_by_whole_labels() -> None:
    for url in INSIDE:
        check_address(url, only_hosts=ALLOWED)
    for url in OUTSIDE:
        with pytest.raises(SourceBlocked, match="none of those"):
            check_address(url, only_hosts=ALLOWED)
    with pytest.raises(JobError):
        check_address("https://example.com@evil.test/a.jpg", only_hosts=ALLOWED)


async def test_other_hosts_than_a_tenant_s_are_refused_at_submit(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database) as api:
        services = api.services
        hosts = ["example.com", "*.cdn.example"]
        await services.store.write(lambda c: set_source_hosts(c, "acme", hosts))
        body = {"operation": "echo", "items": [{"id": str(n), "image": url} for n, url in enumerate(OUTSIDE)]}
        answer = await api.client.post("/v1/jobs", json=body)
        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/items/{n}/image" for n in range(6)]
        inside = {"operation": "echo", "input": {"image": INSIDE[0]}}
        assert (await api.client.post("/v1/jobs", json=inside)).status_code == 202
        async with api.as_tenant("other") as other:
            assert (await other.post("/v1/jobs", json=body)).status_code == 202


async def test_worker_holds_a_tenant_s_hosts_at_every_hop(sink: RawServer, store: ObjectServer, tmp_path: Path) -> None:
    """The order says so; a listed server that redirects to another host is not followed."""
    async with raw_server(http_answer(status="302 Found", location=f"http://localhost:{sink.port}/x")) as listed:
        urls = {"direct": f"http://localhost:{sink.port}/x", "redirected": f"{listed.base_url}/x"}
        order = orders.order(
            store,
            "echo",
            {name: {"image": url} for name, url in urls.items()},
            inputs={url: InputGrant(url=url, origin="user", max_bytes=100) for url in urls.values()},
            allow_private=["127.0.0.0/8"],
            source_hosts=["127.0.0.1"],
        )
        await run_task(order, orders.machine(tmp_path), report=lambda _: None, cancel=CancelFlag())
        assert [item.error and item.error.code for item in orders.manifest(store).items] == ["source-blocked"] * 2
        assert (listed.connections, sink.connections) == (1, 0)
