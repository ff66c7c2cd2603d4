"""The handler, driven as the function that the SDK calls."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import runpod

from shared.errors import SettingsError
from shared.wire.progress import ProgressSnapshot
from tests.loopback import ObjectServer, object_server
from tests.waiting import until
from tests.worker.orders import machine, manifest, order
from worker.handler import ProgressSender, _progress_threads, check_fitness, gpu_name, handle
from worker.registry import Registry
from worker.run_task import Machine
from worker.threads import stuck_threads


class QuietSender(ProgressSender):
    """Keeps the snapshots."""

    def __init__(self) -> None:
        super().__init__({})
        self.seen: list[ProgressSnapshot] = []

    def send(self, snapshot: ProgressSnapshot) -> None:
        """Post nothing."""
        self.seen.append(snapshot)


@pytest.fixture
async def store() -> AsyncIterator[ObjectServer]:
    """An empty object store."""
    async with object_server() as server:
        yield server


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    """A worker with two places."""
    return machine(tmp_path)


def job(work: Any) -> dict[str, Any]:
    """Return a job as the SDK hands it over."""
    return {"id": "job-1", "input": work.model_dump(mode="json")}


def error_of(reply: dict[str, Any]) -> dict[str, Any]:
    """Return the typed error in a reply that holds nothing else."""
    assert set(reply) == {"error"}
    error: dict[str, Any] = json.loads(reply["error"])
    return error


async def test_reply_is_a_reference_and_no_content(store: ObjectServer, here: Machine) -> None:
    reply = await handle(job(order(store, "echo", {"a": {"text": "payload"}, "b": {}})), here, QuietSender())
    assert reply == {
        "version": 1,
        "task_id": "task_1",
        "attempt": 1,
        "manifest_key": "manifest.json",
        "succeeded": 2,
        "failed": 0,
    }


def test_worker_that_could_do_nothing_is_unfit(here: Machine, tmp_path: Path) -> None:
    check_fitness(here)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        check_fitness(replace(here, work_dir=tmp_path / "file"))
    with pytest.raises(SettingsError):
        check_fitness(replace(here, registry=Registry({})))


async def test_job_without_an_input_gets_a_typed_error(here: Machine) -> None:
    reply = await handle({"id": "job-1"}, here, QuietSender())
    assert error_of(reply)["code"] == "order-unsupported"


@pytest.mark.parametrize("document", [{}, None, [], "text", {"version": 1, "token": "s3cr3t"}])
async def test_job_that_is_no_work_order_gets_a_typed_error(here: Machine, document: object) -> None:
    reply = await handle({"id": "job-1", "input": document}, here, QuietSender())
    assert error_of(reply)["code"] == "order-unsupported"
    assert "s3cr3t" not in str(reply)


async def test_task_that_can_not_be_closed_gets_a_typed_error(store: ObjectServer, here: Machine) -> None:
    store.fail("PUT", "manifest.json", 403)
    reply = await handle(job(order(store, "echo", {"a": {}})), here, QuietSender())
    assert error_of(reply) == {
        "code": "upload-failed",
        "detail": "The storage refused the file with status 403.",
        "retryable": True,
        "stage": "upload",
    }


async def test_unplanned_error_keeps_its_text_to_itself(store: ObjectServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = machine(tmp_path / "file")
    reply = await handle(job(order(store, "echo", {"a": {}})), nowhere, QuietSender())
    assert error_of(reply)["detail"] == "The operation failed unexpectedly (FileExistsError)."


async def test_stop_ends_the_work_before_the_cancellation_goes_on(
    store: ObjectServer, here: Machine, tmp_path: Path
) -> None:
    marker = tmp_path.parent / f"{tmp_path.name}-pid"
    task = asyncio.create_task(handle(job(order(store, "spawns", {"a": {"marker": str(marker)}})), here, QuietSender()))
    await until(lambda: marker.exists() and marker.read_text())
    start_s = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert time.monotonic() - start_s < 10
    assert not Path(f"/proc/{marker.read_text()}").exists()  # noqa: ASYNC240
    assert "manifest.json" not in store.objects


async def test_what_a_killed_worker_left_behind_is_swept_up_before_a_task(store: ObjectServer, here: Machine) -> None:
    left = here.work_dir / "revela-task-dead"
    (left / "item-0").mkdir(parents=True)
    (left / "lock").touch()
    os.utime(left, (time.time() - 3600,) * 2)
    await handle(job(order(store, "echo", {"a": {}})), here, QuietSender())
    assert not left.exists()


async def test_loop_of_the_sdk_stays_free_while_the_work_runs(store: ObjectServer, here: Machine) -> None:
    task = asyncio.create_task(handle(job(order(store, "slow_progress", {"a": {"seconds": 2}})), here, QuietSender()))
    longest_s, last_s = 0.0, time.monotonic()
    while not task.done():
        await asyncio.sleep(0.005)
        longest_s, last_s = max(longest_s, time.monotonic() - last_s), time.monotonic()
    assert task.result()["succeeded"] == 1
    assert longest_s < 1


async def test_worker_with_a_stuck_operation_asks_to_be_replaced(store: ObjectServer, here: Machine) -> None:
    work = order(store, "hangs", {"a": {"seconds": 4.5}}, execution_timeout_s=0.2)
    reply = await handle(job(work), here, QuietSender())
    assert reply["refresh_worker"] is True
    assert reply["failed"] == 1
    assert manifest(store).items[0].status == "FAILED"
    await until(lambda: not stuck_threads())


async def test_progress_is_sent_one_at_a_time_and_never_after_the_close(
    store: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The SDK reads its addresses once, at import.
    monkeypatch.setattr("runpod.serverless.modules.rp_http.JOB_DONE_URL", store.url("done?x=1"))
    release = store.gate("POST", "done")
    sender = ProgressSender({"id": "job-1"})
    for seq in range(1, 4):
        sender.send(ProgressSnapshot(seq=seq, stage="x", percent=seq))
    assert len(_progress_threads()) == 1

    await until(lambda: store.count("POST", "done"))
    closing = asyncio.create_task(sender.close())
    done, _ = await asyncio.wait({closing}, timeout=0.1)
    assert not done
    release.set()
    await closing
    sender.send(ProgressSnapshot(seq=9, stage="x", percent=9))
    assert _progress_threads() == []
    assert store.count("POST", "done") == 1


def test_sdk_is_one_that_spreads_jobs_and_stops_them() -> None:
    assert tuple(int(part) for part in runpod.__version__.split(".")[:2]) >= (1, 12)


@pytest.mark.parametrize(
    ("script", "name"),
    [
        (
            "echo 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)'; echo 'GPU 1: other (UUID: GPU-2)'",
            "NVIDIA H100 80GB HBM3",
        ),
        ("exit 9", ""),
        ("echo 'No devices found.'", ""),
    ],
)
def test_gpu_is_named_as_the_driver_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert gpu_name() == name


def test_machine_without_the_tool_has_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_name() == ""
