"""Working for a pool: through its restart, through the worker's own end, and to an order to stop."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from orchestrator.pool.options import PoolOptions
from tests.loopback import ObjectServer, object_server
from tests.pool.rig import Rig, pool_rig
from tests.revela.worker_gate.command import cpu_s, nothing_runs, worker_command
from tests.waiting import until, until_now
from tests.worker.orders import order

pytestmark = pytest.mark.slow
OPTIONS = PoolOptions(hold_s=1.0)
FEW_LINES = 40


@pytest.fixture
async def storage() -> AsyncIterator[ObjectServer]:
    """An object store of its own, so that outputs can be stored while the pool is away."""
    async with object_server() as server:
        yield server


def echo(storage: ObjectServer, sleep_s: float, journal: Path) -> dict[str, Any]:
    params = {"text": "a", "sleep_s": sleep_s, "journal": str(journal)}
    return order(storage, "echo", {"a": params}).model_dump(mode="json")


def started(journal: Path) -> int:
    """Wait until the task runs; return the pid of the worker that has it."""
    until_now(lambda: journal.exists() and journal.read_text().endswith("\n"), 90)
    [line] = journal.read_text().splitlines()
    return int(line.split()[1])


async def test_a_result_that_is_ready_while_the_pool_restarts_is_delivered_even_after_ctrl_c(
    storage: ObjectServer, tmp_path: Path
) -> None:
    data, journal = tmp_path / "pool", tmp_path / "journal"
    data.mkdir()
    with ExitStack() as outlasting:
        with pool_rig(data, OPTIONS) as rig:
            job_id = rig.run(echo(storage, 1.5, journal))
            worker = outlasting.enter_context(worker_command(tmp_path, rig.url, issue(rig)))
            await asyncio.to_thread(started, journal)
        family = worker.family()
        used_s = cpu_s(family)
        await until(lambda: "task.ended" in worker.text() and "pool.away" in worker.text(), 20)
        await asyncio.sleep(1.5)  # a spinning worker would use all of it
        assert cpu_s(family) - used_s < 1.5
        worker.process.send_signal(signal.SIGINT)
        with pool_rig(data, OPTIONS, port=rig.port) as rig:
            assert await asyncio.to_thread(worker.ended) == 0
            ended = rig.status(job_id)
        assert (ended["status"], ended["output"]["succeeded"]) == ("COMPLETED", 1)
        said = worker.text()
        assert [said.count(event) for event in ("task.started", "pool.away", "pool.back")] == [1, 1, 1]
        assert said.endswith("tasks delivered: 1\n")
        assert said.count("\n") < FEW_LINES
        await asyncio.to_thread(nothing_runs, family)


async def test_a_second_ctrl_c_does_not_wait(storage: ObjectServer, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with pool_rig(tmp_path, OPTIONS) as rig, worker_command(tmp_path, rig.url, issue(rig)) as worker:
        rig.run(echo(storage, 60.0, journal))
        await asyncio.to_thread(started, journal)
        family = worker.family()
        worker.process.send_signal(signal.SIGINT)
        await until(lambda: len(rig.exchanges("/job-stop/")) > 0)
        worker.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(worker.ended) == 1
        assert "killed at once" in worker.text()
        nothing_runs(family)


async def test_nothing_is_left_when_one_of_the_two_is_killed(storage: ObjectServer, tmp_path: Path) -> None:
    """Both the worker of one command and the command of another worker."""
    folders = [tmp_path / name for name in ("box-1", "box-2")]
    with ExitStack() as running:
        rig = running.enter_context(pool_rig(tmp_path, OPTIONS))
        for folder in folders:
            folder.mkdir()
            rig.run(echo(storage, 60.0, folder / "journal"))
        for_worker, for_command = [
            running.enter_context(worker_command(folder, rig.url, issue(rig, folder.name), folder.name))
            for folder in folders
        ]
        pids = [await asyncio.to_thread(started, folder / "journal") for folder in folders]
        families = [for_worker.family(), for_command.family()]
        os.kill(next(pid for pid in pids if pid in families[0]), signal.SIGKILL)
        for_command.process.kill()
        for_command.process.wait()
        assert await asyncio.to_thread(for_worker.ended) == 1
        assert "the worker ended by itself with code -9" in for_worker.text()
        await asyncio.to_thread(nothing_runs, families[0] | families[1])


async def test_a_worker_in_which_something_hangs_is_replaced(storage: ObjectServer, tmp_path: Path) -> None:
    hanging = order(storage, "hangs", {"a": {"seconds": 600}}, execution_timeout_s=1).model_dump(mode="json")
    with pool_rig(tmp_path, OPTIONS) as rig, worker_command(tmp_path, rig.url, issue(rig)) as worker:
        rig.run(hanging)
        await until(lambda: "worker.replaced" in worker.text(), 90)
        job_id = rig.run(echo(storage, 0.0, tmp_path / "journal"))
        assert (await asyncio.to_thread(rig.until, job_id, timeout_s=60))["status"] == "COMPLETED"
        assert worker.text().count("worker.started") == 2


def issue(rig: Rig, worker_id: str = "box-1") -> str:
    return rig.call(rig.pool.issue_worker(worker_id))
