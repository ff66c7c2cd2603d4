"""Fetching one source: what a server can do wrong, and what the item is told."""

import asyncio
import errno
import os
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from shared.errors import (
    JobError,
    MediaEmpty,
    SourceBlocked,
    SourceEncoding,
    SourceInvalid,
    SourceNotFound,
    SourceRefused,
    SourceTimeout,
    SourceTooLarge,
    SourceUnavailable,
    WorkerDiskFull,
)
from shared.fetch_guard import guarded_session
from shared.wire.work_order import InputGrant
from tests.loopback import DROP, Answer, ObjectServer, http_answer, object_server, raw_server
from tests.waiting import until
from tests.worker.orders import leftovers
from worker.context import LocalFile
from worker.transfer.fetch import ATTEMPTS, Clients, Sources, download


@pytest.fixture
async def store() -> AsyncIterator[ObjectServer]:
    """An empty object store."""
    async with object_server() as server:
        yield server


@asynccontextmanager
async def clients(*allowed: str) -> AsyncIterator[Clients]:
    """Both ways to fetch; `allowed` opens loopback for the guarded one."""
    async with aiohttp.ClientSession(auto_decompress=False) as own, guarded_session(allowed) as user:
        yield Clients(own, user)


async def fetch(
    url: str, target: Path, *, origin: str = "own", max_bytes: int = 1000, timeout_s: float = 5, allowed: str = ""
) -> LocalFile:
    """Download once, with clients of its own."""
    grant = InputGrant.model_validate({"url": url, "origin": origin, "max_bytes": max_bytes})
    async with clients(allowed) as both:
        return await download(both, grant, target, max_bytes=max_bytes, timeout_s=timeout_s)


async def fetch_from(answer: Answer | bytes, target: Path, *, max_bytes: int = 1000, timeout_s: float = 5) -> LocalFile:
    """Download from a server that says this."""
    async with raw_server(answer) as server:
        return await fetch(f"{server.base_url}/photo", target, max_bytes=max_bytes, timeout_s=timeout_s)


@pytest.mark.parametrize("origin", ["own", "user"])
async def test_source_is_saved_whole(store: ObjectServer, tmp_path: Path, origin: str) -> None:
    body = bytes(range(256)) * 5000
    url = store.put("photo", body)
    target = tmp_path / "source"
    found = await fetch(url, target, origin=origin, max_bytes=len(body), allowed=store.host_and_port)
    assert found == LocalFile(target, len(body))
    assert target.read_bytes() == body


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, SourceNotFound),
        (410, SourceNotFound),
        (400, SourceRefused),
        (401, SourceRefused),
        (403, SourceRefused),
        (451, SourceRefused),
        (204, SourceRefused),
        (206, SourceRefused),
    ],
)
async def test_refusal_is_final_and_asked_once(
    store: ObjectServer, tmp_path: Path, status: int, expected: type[JobError]
) -> None:
    store.put("photo", b"x")
    store.fail("GET", "photo", *[status] * 5)
    with pytest.raises(expected):
        await fetch(store.url("photo"), tmp_path / "source")
    assert store.count("GET", "photo") == 1


@pytest.mark.parametrize("faults", [(503,), (429, 500), (DROP,), (408, DROP)])
async def test_passing_failure_is_tried_again(store: ObjectServer, tmp_path: Path, faults: tuple[int, ...]) -> None:
    store.put("photo", b"pixels")
    store.fail("GET", "photo", *faults)
    found = await fetch(store.url("photo"), tmp_path / "source")
    assert found.path.read_bytes() == b"pixels"
    assert store.count("GET", "photo") >= len(faults) + 1


@pytest.mark.parametrize("fault", [500, 503, 429])
async def test_lasting_failure_is_unavailable(store: ObjectServer, tmp_path: Path, fault: int) -> None:
    store.fail("GET", "photo", *[fault] * 20)
    with pytest.raises(SourceUnavailable):
        await fetch(store.url("photo"), tmp_path / "source")
    assert store.count("GET", "photo") == ATTEMPTS


async def test_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    async with raw_server() as server:
        pass
    with pytest.raises(SourceUnavailable) as caught:
        await fetch(server.base_url, tmp_path / "source")
    assert "127.0.0.1" not in caught.value.detail


async def test_body_that_is_cut_off_is_tried_again_and_then_unavailable(tmp_path: Path) -> None:
    short = http_answer(b"x" * 90, content_length="100")
    async with raw_server(short) as server:
        with pytest.raises(SourceUnavailable):
            await fetch(server.base_url, tmp_path / "source")
        assert server.connections >= ATTEMPTS


async def test_announced_size_is_refused_before_the_body(tmp_path: Path) -> None:
    async def announce(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(http_answer(content_length=str(50 << 30)))
        await writer.drain()
        await asyncio.sleep(30)

    start_s = time.monotonic()
    with pytest.raises(SourceTooLarge):
        await fetch_from(announce, tmp_path / "source", timeout_s=20)
    assert time.monotonic() - start_s < 15
    assert not (tmp_path / "source").exists()


async def test_endless_body_is_cut_at_the_cap(tmp_path: Path) -> None:
    sent_bytes = 0

    async def pour(head: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal sent_bytes
        writer.write(http_answer(transfer_encoding="chunked"))
        while True:
            writer.write(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
            sent_bytes += 1 << 16
            await writer.drain()

    with pytest.raises(SourceTooLarge):
        await fetch_from(pour, tmp_path / "source", max_bytes=1 << 20, timeout_s=20)
    # What the sockets of both ends hold comes on top.
    assert sent_bytes < 24 << 20


async def test_drip_is_stopped_at_the_deadline(tmp_path: Path) -> None:
    async def drip(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(http_answer(content_length="1000"))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)

    start_s = time.monotonic()
    with pytest.raises(SourceTimeout):
        await fetch_from(drip, tmp_path / "source", timeout_s=0.6)
    assert 0.5 < time.monotonic() - start_s < 15


async def test_silent_server_is_stopped_at_the_deadline(tmp_path: Path) -> None:
    async def silence(head: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    with pytest.raises(SourceTimeout):
        await fetch_from(silence, tmp_path / "source", timeout_s=0.3)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP, gzip"])
async def test_compressed_body_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(SourceEncoding):
        await fetch_from(http_answer(b"x", content_encoding=encoding), tmp_path / "source")
    assert leftovers(tmp_path) == []


async def test_compressed_bomb_is_never_inflated(tmp_path: Path) -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(150)) + compressor.flush()
    Path("/proc/self/clear_refs").write_text("5")  # noqa: ASYNC240 resets the peak, see proc(5)
    before_kib = peak_kib()
    with pytest.raises(SourceEncoding):
        await fetch_from(http_answer(bomb, content_encoding="gzip"), tmp_path / "source", max_bytes=1 << 30)
    assert peak_kib() - before_kib < 50 << 10


def peak_kib() -> int:
    """Return this process's largest resident size since it was last reset."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])


async def test_empty_source_is_said_to_be_empty(store: ObjectServer, tmp_path: Path) -> None:
    with pytest.raises(MediaEmpty):
        await fetch(store.put("photo", b""), tmp_path / "source")


async def test_user_address_is_guarded_and_own_address_is_not(store: ObjectServer, tmp_path: Path) -> None:
    url = store.put("photo", b"pixels")
    with pytest.raises(SourceBlocked):
        await fetch(url, tmp_path / "source", origin="user")
    with pytest.raises(SourceInvalid):
        await fetch("ftp://example.com/x", tmp_path / "source", origin="user")
    await fetch(url, tmp_path / "source")
    assert store.count("GET", "photo") == 1


async def test_full_disk_is_said_to_be_full(store: ObjectServer) -> None:
    url = store.put("photo", b"pixels")
    with pytest.raises(WorkerDiskFull):
        await fetch(url, Path("/dev/full"))


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
async def test_quota_and_limit_of_a_file_s_size_are_a_full_disk_too(
    store: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr("worker.transfer.fetch._save", refuse)
    with pytest.raises(WorkerDiskFull):
        await fetch(store.put("photo", b"pixels"), tmp_path / "source")


def sources(both: Clients, store: ObjectServer, folder: Path, uses: list[str]) -> Sources:
    """Return the inputs `photo0`..`photo9` of a task."""
    grants = {f"photo{n}": InputGrant(url=store.url(f"photo{n}"), origin="own", max_bytes=100) for n in range(20)}
    return Sources(both, grants, folder, max_bytes=100, timeout_s=5, uses=uses)


async def test_file_stays_until_its_last_user_is_done(store: ObjectServer, tmp_path: Path) -> None:
    store.put("photo0", b"pixels")
    async with clients() as both:
        inputs = sources(both, store, tmp_path, ["photo0", "photo0"])
        first, second = await asyncio.gather(inputs.fetch("photo0"), inputs.fetch("photo0"))
        assert first == second
        inputs.release("photo0")
        assert first.path.exists()
        inputs.release("photo0")
        assert leftovers(tmp_path) == []
        await inputs.close()


async def test_user_that_gives_up_does_not_take_the_source_from_the_others(store: ObjectServer, tmp_path: Path) -> None:
    store.put("photo0", b"pixels")
    gate = store.gate("GET", "photo0")
    async with clients() as both:
        inputs = sources(both, store, tmp_path, ["photo0", "photo0"])
        quitter, stayer = (asyncio.create_task(inputs.fetch("photo0")) for _ in range(2))
        await asyncio.sleep(0)
        quitter.cancel()
        inputs.release("photo0")
        gate.set()
        assert (await stayer).size_bytes == 6
        await inputs.close()


async def test_download_that_nobody_waits_for_is_stopped(store: ObjectServer, tmp_path: Path) -> None:
    store.put("photo0", b"pixels")
    store.gate("GET", "photo0")
    async with clients() as both:
        inputs = sources(both, store, tmp_path, ["photo0"])
        waiting = asyncio.create_task(inputs.fetch("photo0"))
        await asyncio.sleep(0)
        inputs.release("photo0")
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await inputs.close()
    assert leftovers(tmp_path) == []


async def test_download_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    half = http_answer(b"x" * 50, content_length="90")
    async with raw_server(half) as server, clients() as both:
        grants = {"photo0": InputGrant(url=f"{server.base_url}/photo0", origin="own", max_bytes=100)}
        inputs = Sources(both, grants, tmp_path, max_bytes=100, timeout_s=5, uses=["photo0"])
        with pytest.raises(SourceUnavailable):
            await inputs.fetch("photo0")
        await inputs.close()
    assert leftovers(tmp_path) == []


async def test_only_so_many_downloads_run_at_once(store: ObjectServer, tmp_path: Path) -> None:
    names = [f"photo{n}" for n in range(20)]
    gates = [store.gate("GET", name) for name in names]
    for name in names:
        store.put(name, b"x")
    async with clients() as both:
        inputs = sources(both, store, tmp_path, names)
        waiting = asyncio.gather(*(inputs.fetch(name) for name in names))
        await until(lambda: store.in_hand >= 8)
        for gate in gates:
            gate.set()
        await waiting
        await inputs.close()
    assert store.most_in_hand == 8
