"""Digests of large files, beside which everything else goes on."""

import asyncio
import hashlib
import threading
import time
from pathlib import Path

import pytest

from orchestrator.storage import disk_threads
from orchestrator.storage.disk_threads import Digests
from shared.errors import StorageUnavailable
from tests.orchestrator.storage.putting import KEY, disk_storage


class Gate:
    """Lets `hashlib` go on when the test says so, and counts the files that it began."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files, self.open = 0, threading.Event()
        find = Digests._find

        def waiting(digests: Digests, path: Path) -> str:
            self.files += 1
            self.open.wait()
            return find(digests, path)

        monkeypatch.setattr(Digests, "_find", waiting)


async def test_one_digest_serves_all_who_ask_and_holds_up_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    async with disk_storage(tmp_path / "root") as storage:
        keys = [KEY, *(f"acme/job_1/0-1/{n}/a" for n in range(1, 6))]
        for key in keys:
            path = tmp_path / "root" / key
            path.parent.mkdir(parents=True)
            path.write_bytes(key.encode())
        first = [asyncio.create_task(storage.digest(KEY)) for _ in range(6)]
        others = [asyncio.create_task(storage.digest(key)) for key in keys[1:]]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(2):
            assert await storage.read(KEY, 100) == KEY.encode()
        gone = asyncio.create_task(storage.digest(keys[-1]))
        await asyncio.sleep(0.1)
        first[0].cancel()
        gone.cancel()  # of a file whose turn has not come
        await asyncio.wait([first[0], gone])
        gate.open.set()
        assert {await asked for asked in first[1:]} == {hashlib.sha256(KEY.encode()).hexdigest()}
        assert [await asked for asked in others] == [hashlib.sha256(key.encode()).hexdigest() for key in keys[1:]]
        assert gate.files == len(keys)


async def test_a_file_that_was_replaced_has_a_digest_of_its_own(tmp_path: Path) -> None:
    async with disk_storage(tmp_path / "root") as storage:
        path = tmp_path / "root" / "a"
        for body in (b"first", b"second"):
            path.write_bytes(body)
            assert await storage.digest("a") == hashlib.sha256(body).hexdigest()
        assert await storage.digest("b") is None


async def test_the_end_of_the_server_waits_for_no_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_threads, "_PIECE_BYTES", 1024)
    async with disk_storage(tmp_path / "root") as storage:
        with (tmp_path / "root" / "a").open("wb") as file:
            file.truncate(8 << 30)
        digest = asyncio.create_task(storage.digest("a"))
        await asyncio.sleep(0.2)
        started_s = time.monotonic()
        await storage.close()
        assert time.monotonic() - started_s < 2
        with pytest.raises(StorageUnavailable):
            await digest
