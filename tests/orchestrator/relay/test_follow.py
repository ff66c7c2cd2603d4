"""A job's way through an endpoint that loses, forgets, refuses and repeats; completed from storage each time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fake_runpod import FakeRunPod
from tests.orchestrator.system import System, orchestrator, task_runner
from tests.waiting import until

ITEMS = [{"id": "a", "text": "first"}, {"id": "b", "text": "second"}]


@pytest.fixture
def fake(tmp_path: Path) -> FakeRunPod:
    (tmp_path / "work").mkdir()
    return FakeRunPod(execute=task_runner(tmp_path / "work"))


async def assert_completed(system: System, job_id: str) -> dict[str, Any]:
    job = await system.ended(job_id)
    assert (job["status"], job["summary"]) == ("COMPLETED", {"total": 2, "succeeded": 2, "failed": 0})
    assert [await system.text(item) for item in job["items"]] == ["first", "second"]
    return job


async def test_a_job_goes_the_whole_way(tmp_path: Path, fake: FakeRunPod) -> None:
    async with orchestrator(tmp_path, fake) as system:
        job = await assert_completed(system, await system.submit(ITEMS, labels={"order": "A-17"}))
    assert job["labels"] == {"order": "A-17"}
    assert job["attempts"] == 1
    [order] = fake.executions
    assert [item["id"] for item in order["items"]] == ["a", "b"]
    assert fake.tasks["fake-1-u1"].body["policy"]["executionTimeout"] == 900_000


async def test_a_forgotten_result_is_completed_from_the_manifest(tmp_path: Path, fake: FakeRunPod) -> None:
    fake.endings = ["forget"]
    async with orchestrator(tmp_path, fake) as system:
        fake.send_hint = None
        await assert_completed(system, await system.submit(ITEMS))
    assert len(fake.executions) == 1


async def test_an_attempt_that_failed_is_followed_by_another(tmp_path: Path, fake: FakeRunPod) -> None:
    fake.endings = ["fail", "run"]
    async with orchestrator(tmp_path, fake) as system:
        job = await assert_completed(system, await system.submit(ITEMS))
    assert job["attempts"] == 2
    assert len(fake.executions) == 1


async def test_attempts_are_bounded(tmp_path: Path, fake: FakeRunPod) -> None:
    fake.endings = ["fail"] * 5
    async with orchestrator(tmp_path, fake, max_attempts=2) as system:
        job = await system.ended(await system.submit(ITEMS))
    assert (job["status"], job["attempts"]) == ("FAILED", 2)
    assert {item["error"]["code"] for item in job["items"]} == {"attempts-exhausted"}
    assert fake.calls["run"] == 2


async def test_a_lost_submit_reply_is_found_by_the_hint_and_not_run_twice(tmp_path: Path, fake: FakeRunPod) -> None:
    fake.faults["run"] = ["lose"]
    async with orchestrator(tmp_path, fake) as system:
        job = await assert_completed(system, await system.submit(ITEMS))
    assert job["attempts"] == 1
    assert len(fake.executions) == 1


async def test_a_lost_submit_reply_without_a_hint_is_found_by_the_manifest(tmp_path: Path, fake: FakeRunPod) -> None:
    fake.faults["run"] = ["lose"]
    async with orchestrator(tmp_path, fake) as system:
        fake.send_hint = None
        job = await assert_completed(system, await system.submit(ITEMS))
    assert job["attempts"] == 1
    assert len(fake.executions) == 1


async def test_a_submit_that_never_arrived_is_repeated_under_a_higher_number(tmp_path: Path, fake: FakeRunPod) -> None:
    fake.faults["run"] = ["drop"]
    async with orchestrator(tmp_path, fake, unknown_submit_s=0.5) as system:
        job = await assert_completed(system, await system.submit(ITEMS))
    assert job["attempts"] == 2
    assert len(fake.executions) == 1


async def test_a_refused_submit_burns_no_attempt(tmp_path: Path, fake: FakeRunPod) -> None:
    fake.faults["run"] = [429, 503]
    async with orchestrator(tmp_path, fake) as system:
        job = await assert_completed(system, await system.submit(ITEMS))
    assert job["attempts"] == 1


async def test_a_task_that_the_endpoint_will_not_take_fails(tmp_path: Path, fake: FakeRunPod) -> None:
    fake.faults["run"] = [400]
    async with orchestrator(tmp_path, fake) as system:
        job = await system.ended(await system.submit(ITEMS))
    assert job["status"] == "FAILED"
    assert {item["error"]["code"] for item in job["items"]} == {"submit-refused"}


async def test_one_failed_item_leaves_its_neighbours_whole(tmp_path: Path, fake: FakeRunPod) -> None:
    items = [{"id": "good", "text": "x"}, {"id": "bad", "text": "y", "image": "http://127.0.0.1:9/none.jpg"}]
    async with orchestrator(tmp_path, fake, allow_private_sources="127.0.0.1:9", max_attempts=1) as system:
        job = await system.ended(await system.submit(items))
    assert job["status"] == "COMPLETED_WITH_ERRORS"
    by_id = {item["id"]: item for item in job["items"]}
    assert by_id["good"]["status"] == "COMPLETED"
    assert by_id["bad"]["error"]["code"] == "source-unavailable"
    assert by_id["bad"]["output"] == {}


async def test_a_failure_that_passes_is_mended_by_the_next_attempt(tmp_path: Path, fake: FakeRunPod) -> None:
    marker = tmp_path / "seen"
    async with orchestrator(tmp_path, fake) as system:
        job = await system.ended(await system.submit([{"id": "a", "marker": str(marker)}], operation="fails_once"))
    assert (job["status"], job["attempts"]) == ("COMPLETED", 2)


async def test_an_earlier_output_is_an_input(tmp_path: Path, fake: FakeRunPod) -> None:
    async with orchestrator(tmp_path, fake) as system:
        first = await system.submit([{"id": "a", "text": "first"}])
        await system.ended(first)
        second = await system.ended(
            await system.submit([{"id": "b", "text": "after ", "image": f"output://{first}/a/text"}])
        )
        assert await system.text(second["items"][0]) == "after first"


async def test_progress_and_early_items_show_while_the_task_runs(tmp_path: Path, fake: FakeRunPod) -> None:
    items: list[dict[str, Any]] = [{"id": "quick"}, {"id": "slow", "sleep_s": 4}]
    async with orchestrator(tmp_path, fake) as system:
        job_id = await system.submit(items)
        while (job := await system.job(job_id, wait_s=0.2))["summary"]["succeeded"] == 0:
            assert job["status"] in ("IN_QUEUE", "IN_PROGRESS")
        assert job["status"] == "IN_PROGRESS"
        assert [item["status"] for item in job["items"]] == ["COMPLETED", "IN_PROGRESS"]
        assert 50 <= job["progress"]["percent"] < 100
        assert (job["progress"]["items_done"], job["progress"]["items_total"]) == (1, 2)
        assert (await system.ended(job_id))["progress"] is None


async def test_a_restart_in_the_middle_completes_from_storage(tmp_path: Path, fake: FakeRunPod) -> None:
    async with orchestrator(tmp_path, fake) as system:
        job_id = await system.submit([{"id": "a", "text": "first"}, {"id": "b", "text": "second"}])
        await until(lambda: list((tmp_path / "objects").rglob("manifest.json")))
    fake.tasks.clear()
    async with orchestrator(tmp_path, fake) as system:
        job = await system.ended(job_id)
        assert (job["status"], job["attempts"]) == ("COMPLETED", 1)
    assert len(fake.executions) == 1


async def test_no_more_tasks_are_in_flight_than_the_window_holds(tmp_path: Path, fake: FakeRunPod) -> None:
    at_once: list[int] = []
    run = fake.execute
    assert run is not None

    async def counting(task_input: dict[str, Any], progress: Callable[[Any], None]) -> Any:
        at_once.append(sum(task.status in ("IN_QUEUE", "IN_PROGRESS") for task in fake.tasks.values()))
        return await run(task_input, progress)

    fake.execute = counting
    async with orchestrator(tmp_path, fake, max_workers=2) as system:
        jobs = [await system.submit([{"id": "a"}]) for _ in range(12)]
        for job_id in jobs:
            assert (await system.ended(job_id))["status"] == "COMPLETED"
    assert max(at_once) <= 4
