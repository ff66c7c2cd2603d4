"""`python -m worker.handler`: a real SDK worker process, from start to end."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.processes import kill_session, session_members
from tests.loopback import ObjectServer, object_server
from tests.waiting import until
from tests.worker.endpoint import Endpoint, endpoint
from tests.worker.orders import manifest, order

pytestmark = pytest.mark.slow


@pytest.fixture
async def store() -> AsyncIterator[ObjectServer]:
    """An empty object store."""
    async with object_server() as server:
        yield server


@pytest.fixture
async def platform() -> AsyncIterator[Endpoint]:
    """An endpoint without jobs."""
    async with endpoint() as server:
        yield server


@contextmanager
def worker(platform: Endpoint, work_dir: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker in a session of its own; kill all of it at the end."""
    environment = {
        **os.environ,
        **platform.environment(),
        "REVELA_OPERATION_PACKAGES": "tests.broken",
        "REVELA_WORK_DIR": str(work_dir / "work"),
        "HOME": str(work_dir),
        **more,
    }
    with (work_dir / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker.handler"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        kill_session(process.pid)
        process.wait()


async def test_worker_does_a_job_hears_a_stop_and_ends_on_sigterm(
    store: ObjectServer, platform: Endpoint, tmp_path: Path
) -> None:
    marker = tmp_path / "pid"
    with worker(platform, tmp_path) as process:
        first = order(store, "slow_progress", {"a": {"seconds": 1.5}})
        await platform.jobs.put({"id": "j1", "input": first.model_dump(mode="json")})
        await until(lambda: platform.results("j1"), 30)

        assert platform.results("j1")[0]["output"]["manifest_key"] == "manifest.json"
        posts = [body.get("status", "result") for job_id, body in platform.posts if job_id == "j1"]
        assert posts[-1] == "result"
        assert 1 <= posts.count("IN_PROGRESS") <= 5
        assert manifest(store).worker == "worker-1"
        assert "j1" in platform.pings

        second = order(store, "spawns", {"b": {"marker": str(marker)}}, attempt=2)
        await platform.jobs.put({"id": "j2", "input": second.model_dump(mode="json")})
        await until(lambda: marker.exists() and marker.read_text())
        child = int(marker.read_text())
        await platform.stops.put("j2")
        await until(lambda: child not in session_members(process.pid), 5)
        assert platform.results("j2") == []

        third = order(store, "raises_system_exit", {"c": {}}, attempt=3)
        await platform.jobs.put({"id": "j3", "input": third.model_dump(mode="json")})
        await until(lambda: platform.results("j3"))
        assert platform.results("j3")[0]["output"]["failed"] == 1

        last = order(store, "echo", {"d": {"sleep_s": 1}}, attempt=4)
        await platform.jobs.put({"id": "j4", "input": last.model_dump(mode="json")})
        await until(lambda: "j4" in platform.pings)
        process.send_signal(signal.SIGTERM)
        await until(lambda: process.poll() is not None)
        assert process.returncode == 0
        assert platform.results("j4")[0]["output"]["succeeded"] == 1
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("tied", [True, False])
async def test_nothing_of_the_worker_is_left_when_its_parent_is_gone(
    store: ObjectServer, platform: Endpoint, tmp_path: Path, tied: bool
) -> None:
    marker = tmp_path / "pid"
    more = {"REVELA_DIE_WITH_PARENT": "1"} if tied else {}
    with worker(platform, tmp_path, **more) as process:
        await platform.jobs.put(
            {"id": "j1", "input": order(store, "spawns", {"a": {"marker": str(marker)}}).model_dump(mode="json")}
        )
        await until(lambda: marker.exists() and marker.read_text(), 30)
        assert int(marker.read_text()) in session_members(process.pid)
        assert process.stdin is not None
        process.stdin.close()  # As the kernel does for a parent that was killed.
        if tied:
            await until(lambda: process.poll() is not None)
            await until(lambda: session_members(process.pid) == [])
        else:
            await asyncio.sleep(0.5)
            assert process.poll() is None


def test_wrong_setting_stops_the_start_with_one_clear_line(tmp_path: Path) -> None:
    environment = {**os.environ, "REVELA_OPERATION_PACKAGES": "no.such.package", "HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "worker.handler"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines() == [
        "The worker can't start: there is no package of operations named no.such.package.contracts"
    ]
