"""Uploads to disk: whole or not at all, never elsewhere, and quickly."""

import asyncio
import hashlib
import http.client
import os
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.storage.disk import DiskStorage
from shared.clock import ManualClock
from shared.errors import StorageFull, StorageUnavailable
from shared.refusals import NotFound, PayloadTooLarge
from shared.signing import Signer
from tests.orchestrator.api.running import Api, eventually, path_of
from tests.waiting import until

KEY = "acme/job_1/0-1/0/text.txt"
MIB = 1 << 20


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[DiskStorage]:
    opened = DiskStorage(tmp_path / "root", "https://media.example", Signer(b"s"), ManualClock())
    yield opened
    await opened.close()


def token(storage: DiskStorage, max_bytes: int = MIB) -> str:
    url = storage.grant_upload(KEY, "text/plain", max_bytes, 2_000_000_000_000).url
    return url.split("/")[-2]


async def pieces(*bodies: bytes) -> AsyncIterator[bytes]:
    for body in bodies:
        yield body


def files(storage_root: Path) -> list[str]:
    return sorted(str(path.relative_to(storage_root)) for path in storage_root.rglob("*") if not path.is_dir())


HEADERS = {"content-type": "text/plain"}


@pytest.mark.parametrize(
    "key",
    [
        "../outside",
        "a/../../outside",
        "/etc/passwd",
        "a//b",
        "",
        ".",
        "..",
        "a/.",
        "a/..",
        "a\0b",
        "a b",
        "a\\b",
        "~incoming/x",
        "é",
        "a\n",
        "x" * 256,
    ],
)
async def test_what_is_no_key_reaches_nothing(storage: DiskStorage, key: str) -> None:
    with pytest.raises(NotFound):
        storage.grant_upload(key, "text/plain", 1, 1)
    with pytest.raises(NotFound):
        storage.read_url(key, 1)
    with pytest.raises(NotFound):
        await storage.head(key)
    with pytest.raises(NotFound):
        await storage.read(key, 1)


async def test_an_upload_over_its_limit_leaves_nothing(storage: DiskStorage, tmp_path: Path) -> None:
    for headers in ({**HEADERS, "content-length": "11"}, HEADERS):
        with pytest.raises(PayloadTooLarge):
            await storage.receive(token(storage, 10), headers, pieces(b"123456", b"78901"))
    await until(lambda: files(tmp_path / "root") == [])
    await storage.receive(token(storage, 10), HEADERS, pieces(b"123456", b"7890"))
    assert await storage.read(KEY, 10) == b"1234567890"


async def test_an_upload_that_can_not_fit_is_refused_at_once(storage: DiskStorage) -> None:
    size = 1 << 60

    body = pieces(b"x")
    with pytest.raises(StorageFull):
        await storage.receive(token(storage, size), {**HEADERS, "content-length": str(size)}, body)
    assert [piece async for piece in body] == [b"x"]  # untouched


async def test_a_broken_off_upload_leaves_the_earlier_object(storage: DiskStorage, tmp_path: Path) -> None:
    await storage.receive(token(storage), HEADERS, pieces(b"whole"))

    async def breaks_off() -> AsyncIterator[bytes]:
        yield b"x" * 300_000
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await storage.receive(token(storage), HEADERS, breaks_off())
    await until(lambda: files(tmp_path / "root") == [KEY])
    assert await storage.read(KEY, 10) == b"whole"


async def test_a_cancelled_upload_leaves_nothing(storage: DiskStorage, tmp_path: Path) -> None:
    reached = asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        yield b"x" * (3 * MIB)
        reached.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(storage.receive(token(storage, 8 * MIB), HEADERS, hangs()))
    await reached.wait()
    upload.cancel()
    await asyncio.wait([upload])
    await until(lambda: files(tmp_path / "root") == [])


async def test_a_client_that_vanishes_leaves_nothing(api: Api) -> None:
    grant = api.services.storage.grant_upload(KEY, "text/plain", 100 * MIB, api.clock.now_ms() + 60_000)
    host, port = re.fullmatch(r"http://(.*):(\d+)", api.url).groups()  # type: ignore[union-attr]
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"PUT {path_of(grant.url)} HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n"
        f"content-length: {50 * MIB}\r\n\r\n".encode()
    )
    writer.write(b"x" * (5 * MIB))
    await writer.drain()
    root = api.folder / "outputs"
    await until(lambda: [path.stat().st_size for path in (root / "~incoming").iterdir() if path.stat().st_size] != [])
    writer.transport.abort()
    await until(lambda: files(root) == [])
    assert await api.services.storage.head(KEY) is None


async def test_old_leavings_are_swept_at_the_start_and_young_ones_kept(storage: DiskStorage, tmp_path: Path) -> None:
    incoming = tmp_path / "root" / "~incoming"
    for name, age_s in (("old", 90_000), ("young", 60)):
        (incoming / name).write_bytes(b"x")
        os.utime(incoming / name, (time.time() - age_s,) * 2)
    again = DiskStorage(tmp_path / "root", "https://media.example", Signer(b"s"), ManualClock())
    assert files(tmp_path / "root") == ["~incoming/young"]
    await again.close()


async def test_a_root_that_can_not_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageUnavailable):
        DiskStorage(tmp_path / "file" / "root", "https://media.example", Signer(b"s"), ManualClock())


async def test_a_root_that_is_gone_fails_the_check(storage: DiskStorage, tmp_path: Path) -> None:
    await storage.check()
    shutil.rmtree(tmp_path / "root")
    with pytest.raises(StorageUnavailable):
        await storage.check()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 2 MiB, where this process may."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("this process may not mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_is_said_and_leaves_nothing(small_disk: Path) -> None:
    storage = DiskStorage(small_disk / "root", "https://media.example", Signer(b"s"), ManualClock())
    with pytest.raises(StorageFull) as full:
        await storage.receive(token(storage, 8 * MIB), HEADERS, pieces(*[b"x" * MIB] * 4))
    assert (full.value.status, full.value.code) == (503, "storage-full")
    await until(lambda: files(small_disk) == [])
    await storage.receive(token(storage), HEADERS, pieces(b"small enough"))
    assert await storage.read(KEY, 100) == b"small enough"
    await storage.close()


async def test_large_files_go_in_and_out_fast_and_the_loop_stays_free(
    api: Api, record_property: Callable[[str, object], None]
) -> None:
    size = 128 * MIB
    body = os.urandom(MIB) * (size // MIB)
    lags_ms: list[float] = []
    beating = asyncio.create_task(heartbeat(lags_ms))
    grant = api.services.storage.grant_upload(KEY, "text/plain", size, api.clock.now_ms() + 60_000)
    up_s, down_s, digest = await asyncio.to_thread(up_and_down, api, grant.url, body)
    beating.cancel()
    assert digest == hashlib.sha256(body).hexdigest()
    rates = {"up_mb_s": size / up_s / 1e6, "down_mb_s": size / down_s / 1e6, "worst_lag_ms": max(lags_ms)}
    for name, value in rates.items():
        record_property(name, round(value))
    print({name: round(value) for name, value in rates.items()})
    assert rates["up_mb_s"] > 20
    assert rates["down_mb_s"] > 20
    assert sorted(lags_ms)[len(lags_ms) // 2] < 50


def up_and_down(api: Api, upload_url: str, body: bytes) -> tuple[float, float, str]:
    """PUT and GET in a thread; return the seconds of each, and what came back."""
    read = api.services.storage.read_url(KEY, api.clock.now_ms() + 60_000)
    worker = http.client.HTTPConnection(api.url.removeprefix("http://"), timeout=60)
    started_s = time.perf_counter()
    worker.request("PUT", path_of(upload_url), body, HEADERS)
    stored = worker.getresponse()
    assert (stored.status, stored.read()) == (200, b"")
    between_s = time.perf_counter()
    worker.request("GET", path_of(read))
    got = worker.getresponse()
    received = got.read()
    ended_s = time.perf_counter()
    worker.close()
    return between_s - started_s, ended_s - between_s, hashlib.sha256(received).hexdigest()


async def heartbeat(lags_ms: list[float]) -> None:
    """Note how much later than asked the event loop comes back, until cancelled."""
    while True:
        started_s = time.perf_counter()
        await asyncio.sleep(0.005)
        lags_ms.append((time.perf_counter() - started_s - 0.005) * 1000)


async def test_an_upload_is_on_disk_for_good_under_its_own_name_only(api: Api) -> None:
    await api.put_object(KEY, b"hello")
    root = api.folder / "outputs"

    async def stored() -> list[str]:
        return files(root)

    await eventually(stored, [KEY])
    assert (root / KEY).stat().st_mode & 0o777 == 0o640
