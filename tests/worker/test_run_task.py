"""A task, from its order to its manifest, against a real store on loopback."""

import asyncio
import errno
import hashlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.errors import JobError, OutputTooLarge, UploadFailed, WorkCancelled, WorkerDiskFull
from shared.wire.progress import ProgressSnapshot
from shared.wire.result import ItemResult, TaskReply
from shared.wire.work_order import InputGrant, WorkOrder
from tests.loopback import LOSE, ObjectServer, object_server
from tests.waiting import until
from tests.worker.orders import leftovers, machine, manifest, order, stored_result
from worker.context import CancelFlag
from worker.item import job_error
from worker.run_task import Machine, run_task, time_allowed_s
from worker.threads import stuck_threads
from worker.transfer.upload import ATTEMPTS


@pytest.fixture
async def store() -> AsyncIterator[ObjectServer]:
    """An empty object store."""
    async with object_server() as server:
        yield server


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    """A worker with two places."""
    return machine(tmp_path)


async def run(
    work: WorkOrder, here: Machine, cancel: CancelFlag | None = None, seen: list[ProgressSnapshot] | None = None
) -> TaskReply:
    """Run a task as the handler does."""
    report = seen.append if seen is not None else lambda snapshot: None
    return await run_task(work, here, report=report, cancel=cancel or CancelFlag())


def code(result: ItemResult) -> str:
    """Return an item's error code."""
    assert result.error is not None
    return result.error.code


def files_in_hand(here: Machine) -> list[str]:
    """Return what lies in the one task's folder."""
    return sorted(path.name for folder in here.work_dir.iterdir() for path in folder.iterdir())


def is_running(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


async def test_outputs_results_and_manifest_are_stored_in_that_order(store: ObjectServer, here: Machine) -> None:
    reply = await run(order(store, "echo", {"a": {"text": "olá"}}), here)

    assert reply == TaskReply(task_id="task_1", attempt=1, manifest_key="manifest.json", succeeded=1, failed=0)
    puts = [key for method, key in store.requests if method == "PUT"]
    assert puts == ["a/text", "a/result.json", "manifest.json"]
    body = "olá".encode()
    result = stored_result(store, "a")
    assert store.objects["a/text"].body == body
    assert result.status == "COMPLETED"
    assert result.outputs["text"].size_bytes == len(body)
    assert result.outputs["text"].sha256 == hashlib.sha256(body).hexdigest()
    assert result.result["text"] == {"characters": 3}
    assert set(result.timings_s) == {"fetch", "run", "upload"}
    assert manifest(store).items == [result]
    assert manifest(store).worker == "worker-1"
    assert leftovers(here.work_dir) == []


@pytest.mark.parametrize(
    ("operation", "expected", "committed"),
    [
        ("raises", "operation-failed", False),
        ("raises_system_exit", "operation-failed", False),
        ("fills_memory", "operation-failed", False),
        ("fills_disk", "worker-disk-full", False),
        ("unserialisable", "operation-failed", False),
        ("returns_wrong", "operation-failed", False),
        ("writes_nothing", "output-invalid", False),
        ("writes_too_much", "output-too-large", True),
        ("fails_for_good", "media-corrupt", True),
        ("overruns", "timed-out", True),
    ],
)
async def test_failure_is_typed_and_committed_only_if_it_is_final(
    store: ObjectServer, here: Machine, operation: str, expected: str, committed: bool
) -> None:
    reply = await run(order(store, operation, {"a": {}}), here)

    assert (reply.succeeded, reply.failed) == (0, 1)
    [result] = manifest(store).items
    assert (result.status, code(result)) == ("FAILED", expected)
    assert "run" in result.timings_s
    assert ("a/result.json" in store.objects) is committed
    assert "canary" not in store.objects["manifest.json"].body.decode()
    assert leftovers(here.work_dir) == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [(errno.ENOSPC, WorkerDiskFull), (errno.EDQUOT, WorkerDiskFull), (errno.EFBIG, OutputTooLarge)],
)
def test_what_the_system_says_of_room_is_told(fault: int, error: type[JobError]) -> None:
    assert isinstance(job_error(OSError(fault, os.strerror(fault))), error)


async def test_neighbours_of_a_failed_item_complete(store: ObjectServer, here: Machine, tmp_path: Path) -> None:
    marker = str(tmp_path.parent / f"{tmp_path.name}-marker")
    items = {"a": {"marker": marker}, "b": {"marker": marker}, "c": {"marker": marker}}
    await run(order(store, "fails_once", items), replace(here, concurrency=1))

    assert [result.status for result in manifest(store).items] == ["FAILED", "COMPLETED", "COMPLETED"]
    assert "a/result.json" not in store.objects

    # A second attempt of what is not committed succeeds.
    await run(order(store, "fails_once", {"a": {"marker": marker}}, attempt=2), here)
    assert stored_result(store, "a").attempt == 2


async def test_repeated_order_runs_only_what_is_not_committed(
    store: ObjectServer, here: Machine, tmp_path: Path
) -> None:
    journal = tmp_path.parent / f"{tmp_path.name}-journal"
    items = {name: {"text": name, "journal": str(journal)} for name in "abc"}
    await run(order(store, "echo", items), here)
    del store.objects["b/result.json"]
    await run(order(store, "echo", items), here)

    starts = [line.split()[0] for line in journal.read_text().splitlines()]
    assert sorted(starts) == ["a", "b", "b", "c"]
    assert [result.status for result in manifest(store).items] == ["COMPLETED"] * 3


@pytest.mark.parametrize("changes", [{"attempt": 2}, {"task_id": "task_2"}])
async def test_result_of_another_attempt_is_not_taken_for_this_one(
    store: ObjectServer, here: Machine, changes: dict[str, Any]
) -> None:
    await run(order(store, "echo", {"a": {}}), here)
    await run(order(store, "echo", {"a": {}}, **changes), here)
    assert store.count("PUT", "a/text") == 2


async def test_unreadable_commit_marker_means_that_the_item_runs(store: ObjectServer, here: Machine) -> None:
    store.put("a/result.json", b"{")
    await run(order(store, "echo", {"a": {}}), here)
    assert stored_result(store, "a").status == "COMPLETED"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"operation": "juggle"}, "operation-unsupported"),
        ({"operation_version": 2}, "operation-unsupported"),
        ({"version": 2}, "order-unsupported"),
    ],
)
async def test_order_that_this_image_does_not_know_fails_every_item_by_manifest(
    store: ObjectServer, here: Machine, changes: dict[str, Any], expected: str
) -> None:
    changed = order(store, "echo", {"a": {}, "b": {}}).model_copy(update=changes)
    reply = await run(changed, here)

    assert reply.failed == 2
    assert [code(result) for result in manifest(store).items] == [expected] * 2
    assert [key for method, key in store.requests if method == "PUT"] == ["manifest.json"]


async def test_params_or_slots_that_do_not_fit_fail_their_item_alone(store: ObjectServer, here: Machine) -> None:
    work = order(store, "echo", {"a": {"colour": "red"}, "b": {}, "c": {}})
    work.items[1].outputs.clear()
    await run(work, here)

    a, b, c = manifest(store).items
    assert (code(a), code(b), c.status) == ("operation-unsupported", "order-unsupported", "COMPLETED")


async def test_source_is_fetched_once_for_all_items_that_name_it(store: ObjectServer, here: Machine) -> None:
    url = store.put("photo", b"pixels")
    inputs = {url: InputGrant(url=url, origin="own", max_bytes=100)}
    await run(order(store, "echo", {name: {"image": url, "text": name} for name in "abcdef"}, inputs=inputs), here)

    assert store.count("GET", "photo") == 1
    assert store.objects["f/text"].body == b"fpixels"


async def test_user_source_goes_through_the_guard(store: ObjectServer, here: Machine) -> None:
    url = store.put("photo", b"pixels")
    inputs = {url: InputGrant(url=url, origin="user", max_bytes=100)}
    await run(order(store, "echo", {"a": {"image": url}}, inputs=inputs), here)
    assert code(manifest(store).items[0]) == "source-blocked"
    assert store.count("GET", "photo") == 0

    allowed = order(store, "echo", {"a": {"image": url}}, inputs=inputs, allow_private=[store.host_and_port], attempt=2)
    await run(allowed, here)
    assert store.objects["a/text"].body == b"echopixels"


async def test_input_without_a_grant_is_unavailable(store: ObjectServer, here: Machine) -> None:
    await run(order(store, "echo", {"a": {"image": "upload://upl_1"}}), here)
    assert code(manifest(store).items[0]) == "input-unavailable"


async def test_next_inputs_are_fetched_while_items_run_but_not_all_of_them(store: ObjectServer, here: Machine) -> None:
    urls = [store.put(f"photo{n}", b"x") for n in range(8)]
    inputs = {url: InputGrant(url=url, origin="own", max_bytes=100) for url in urls}
    items = {f"i{n}": {"image": url, "sleep_s": 30} for n, url in enumerate(urls)}
    cancel = CancelFlag()
    task = asyncio.create_task(run(order(store, "echo", items, inputs=inputs), replace(here, concurrency=1), cancel))
    await until(lambda: sum(store.count("GET", f"photo{n}") for n in range(8)) >= 3)
    cancel.set()
    with pytest.raises(WorkCancelled):
        await task
    assert sum(store.count("GET", f"photo{n}") for n in range(8)) == 3


async def test_files_of_an_item_are_gone_when_it_ends(store: ObjectServer, here: Machine) -> None:
    urls = [store.put(f"photo{n}", b"x") for n in range(2)]
    inputs = {url: InputGrant(url=url, origin="own", max_bytes=100) for url in urls}
    items: dict[str, dict[str, Any]] = {"a": {"image": urls[0]}, "b": {"image": urls[1], "sleep_s": 30}}
    cancel = CancelFlag()
    task = asyncio.create_task(run(order(store, "echo", items, inputs=inputs), here, cancel))
    await until(lambda: "a/result.json" in store.objects)
    await until(lambda: files_in_hand(here) == ["item-1", "lock", "source-1"])
    cancel.set()
    with pytest.raises(WorkCancelled):
        await task
    assert leftovers(here.work_dir) == []


async def test_at_most_so_many_items_run_at_once(store: ObjectServer, here: Machine) -> None:
    start_s = time.monotonic()
    await run(order(store, "echo", {str(n): {"sleep_s": 0.5} for n in range(12)}), replace(here, concurrency=6))
    assert 1.0 <= time.monotonic() - start_s < 5.5, "one after the other they take 6 s"


async def test_cancel_stops_the_work_and_commits_nothing_more(
    store: ObjectServer, here: Machine, tmp_path: Path
) -> None:
    marker = tmp_path.parent / f"{tmp_path.name}-pid"
    cancel = CancelFlag()
    items = {"a": {"marker": str(marker)}, "b": {}, "c": {}, "d": {}}
    task = asyncio.create_task(run(order(store, "spawns", items), here, cancel))
    await until(lambda: marker.exists() and marker.read_text())
    cancel.set()
    start_s = time.monotonic()
    with pytest.raises(WorkCancelled):
        await task

    assert time.monotonic() - start_s < 10
    assert not is_running(int(marker.read_text()))
    assert [key for method, key in store.requests if method == "PUT"] == []
    assert stuck_threads() == []
    assert leftovers(here.work_dir) == []


async def test_task_out_of_time_closes_with_what_was_committed(store: ObjectServer, here: Machine) -> None:
    items = {"a": {}, "b": {"sleep_s": 30}, "c": {"sleep_s": 30}, "d": {}}
    reply = await run(order(store, "echo", items, execution_timeout_s=3), here)

    assert (reply.succeeded, reply.failed) == (1, 3)
    assert [code(result) for result in manifest(store).items[1:]] == ["timed-out"] * 3
    assert "b/result.json" not in store.objects
    assert stuck_threads() == []


async def test_order_past_its_deadline_runs_nothing(store: ObjectServer, here: Machine) -> None:
    reply = await run(order(store, "echo", {"a": {}}, deadline_ms=1), here)
    assert (reply.failed, store.count("PUT", "a/text")) == (1, 0)


async def test_operation_that_does_not_obey_is_left_behind(store: ObjectServer, here: Machine) -> None:
    start_s = time.monotonic()
    reply = await run(order(store, "hangs", {"a": {"seconds": 8}}, execution_timeout_s=0.3), here)
    assert reply.failed == 1
    assert time.monotonic() - start_s < 7.5
    assert stuck_threads() == ["operation-a"]
    # The next test of this process shall start clean.
    await until(lambda: not stuck_threads())


async def test_result_that_can_not_be_stored_fails_its_item(store: ObjectServer, here: Machine) -> None:
    store.fail("PUT", "a/result.json", 403)
    reply = await run(order(store, "echo", {"a": {}, "b": {}}), here)
    assert (reply.succeeded, reply.failed) == (1, 1)
    assert code(manifest(store).items[0]) == "upload-failed"


async def test_result_whose_storing_was_never_confirmed_counts_if_it_is_there(
    store: ObjectServer, here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.transfer.upload.FIRST_PAUSE_S", 0.01)
    store.fail("PUT", "a/result.json", *[LOSE] * ATTEMPTS)
    reply = await run(order(store, "echo", {"a": {}}), here)
    assert (reply.succeeded, reply.failed) == (1, 0)
    assert manifest(store).items[0].status == "COMPLETED"


async def test_manifest_that_can_not_be_stored_fails_the_task(store: ObjectServer, here: Machine) -> None:
    store.fail("PUT", "manifest.json", 403)
    with pytest.raises(UploadFailed):
        await run(order(store, "echo", {"a": {}}), here)


async def test_progress_counts_all_items_and_names_the_committed(store: ObjectServer, here: Machine) -> None:
    seen: list[ProgressSnapshot] = []
    items = {"a": {}, "b": {"sleep_s": 1.6}}
    start_s = time.monotonic()
    await run(order(store, "echo", items), here, seen=seen)
    passed_s = time.monotonic() - start_s

    first = seen[0].seq
    assert [snapshot.seq for snapshot in seen] == list(range(first, first + len(seen)))
    assert 3 <= len(seen) <= 2 * passed_s + 1
    percents = [snapshot.percent for snapshot in seen]
    assert percents == sorted(percents)
    assert 0 < percents[-1] <= 100
    assert "echo" in {snapshot.stage for snapshot in seen}
    assert seen[-1].committed[:1] == ["a"]


def test_time_is_kept_to_close_the_task() -> None:
    work = order(ObjectServer(), "echo", {}, execution_timeout_s=600, deadline_ms=1_000_000)
    assert time_allowed_s(work, 0) == 590
    assert time_allowed_s(work, 950_000) == 45
    assert time_allowed_s(work, 2_000_000) == 0
