"""Attempts that end, late and twice: the fence, and states that absorb."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from orchestrator.jobs.settle import ItemEnd, Settlement
from orchestrator.jobs.states import AttemptEnd, TaskState
from orchestrator.store import settling, tables
from orchestrator.store.attempts import (
    expired_tasks,
    mark_interrupted_unknown,
    mark_submitted,
    mark_unknown,
    waiting_tasks,
    withdraw_attempt,
)
from orchestrator.store.settling import AttemptFacts
from orchestrator.store.store import Store
from shared.clock import ManualClock
from shared.refusals import InvalidRequest
from shared.wire.problem import ErrorInfo
from shared.wire.status import Status
from tests.orchestrator.store.stored_jobs import (
    events,
    item_rows,
    job_row,
    nobody,
    open_store,
    start_attempt,
    store_job,
)

DONE = (ItemEnd(0, "i0", Status.COMPLETED), ItemEnd(1, "i1", Status.COMPLETED))
LOST = Settlement((), retry=True)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path) as opened:
        yield opened


def facts(clock: ManualClock, end: AttemptEnd = AttemptEnd.COMPLETED) -> AttemptFacts:
    return AttemptFacts(end, clock.now_ms(), execution_ms=40)


async def test_completing_the_last_items_completes_the_job(store: Store) -> None:
    clock = ManualClock()
    job = await store_job(store, clock)
    attempt = await start_attempt(store, clock)
    clock.advance(3)
    assert await store.write(
        lambda c: settling.end_attempt(c, nobody, attempt.task_id, 1, Settlement(DONE, retry=False), facts(clock))
    )
    row = await job_row(store, job.id)
    assert (row.status, row.items_succeeded, row.execution_ms, row.attempts) == (Status.COMPLETED, 2, 40, 1)
    assert row.expires_ms - row.completed_ms == 259_200_000
    assert [data.get("status") for _, data in await events(store, job.id)] == [
        "IN_QUEUE",
        "IN_PROGRESS",
        "COMPLETED",
        "COMPLETED",
        "COMPLETED",
    ]


async def test_a_stale_attempts_end_changes_nothing(store: Store) -> None:
    clock = ManualClock()
    job = await store_job(store, clock)
    first = await start_attempt(store, clock)
    await store.write(lambda c: settling.end_attempt(c, nobody, first.task_id, 1, LOST, facts(clock, AttemptEnd.LOST)))
    second = await start_attempt(store, clock)
    assert second.n == 2
    stale = Settlement(DONE, retry=False)
    assert not await store.write(lambda c: settling.end_attempt(c, nobody, first.task_id, 1, stale, facts(clock)))
    assert not await store.write(lambda c: settling.commit_items(c, nobody, first.task_id, 1, DONE, clock.now_ms()))
    assert {row.status for row in await item_rows(store, job.id)} == {Status.IN_QUEUE}
    assert await store.write(lambda c: settling.end_attempt(c, nobody, second.task_id, 2, stale, facts(clock)))
    assert {row.attempt for row in await item_rows(store, job.id)} == {2}


async def test_the_same_end_twice_counts_once(store: Store) -> None:
    clock = ManualClock()
    job = await store_job(store, clock)
    attempt = await start_attempt(store, clock)
    for expected in (True, False):
        assert expected is await store.write(
            lambda c: settling.end_attempt(c, nobody, attempt.task_id, 1, Settlement(DONE, retry=False), facts(clock))
        )
    row = await job_row(store, job.id)
    assert (row.items_succeeded, row.execution_ms) == (2, 40)
    assert len(await events(store, job.id)) == 5


async def test_items_committed_early_are_left_out_of_the_next_attempt(store: Store) -> None:
    clock = ManualClock()
    job = await store_job(store, clock, items=3)
    attempt = await start_attempt(store, clock)
    await store.write(lambda c: settling.commit_items(c, nobody, attempt.task_id, 1, DONE[:1], clock.now_ms()))
    await store.write(
        lambda c: settling.end_attempt(c, nobody, attempt.task_id, 1, LOST, facts(clock, AttemptEnd.LOST))
    )
    again = await start_attempt(store, clock)
    assert [item.id for item in again.items] == ["i1", "i2"]
    assert (await job_row(store, job.id)).attempts == 2


async def test_an_ended_item_never_changes(store: Store) -> None:
    clock = ManualClock()
    job = await store_job(store, clock)
    attempt = await start_attempt(store, clock)
    await store.write(lambda c: settling.commit_items(c, nobody, attempt.task_id, 1, DONE[:1], clock.now_ms()))
    late = Settlement((ItemEnd(0, "i0", Status.FAILED), DONE[1]), retry=False)
    await store.write(lambda c: settling.end_attempt(c, nobody, attempt.task_id, 1, late, facts(clock)))
    assert [row.status for row in await item_rows(store, job.id)] == [Status.COMPLETED] * 2
    assert (await job_row(store, job.id)).status == Status.COMPLETED


async def test_a_withdrawn_attempt_frees_its_number(store: Store) -> None:
    clock = ManualClock()
    await store_job(store, clock)
    attempt = await start_attempt(store, clock)
    await store.write(lambda c: withdraw_attempt(c, attempt.task_id, 1, clock.now_ms() + 5000))
    assert await store.read(lambda c: waiting_tasks(c, clock.now_ms(), 10)) == []
    clock.advance(5)
    assert (await start_attempt(store, clock)).n == 1


async def test_a_submit_under_way_at_a_crash_is_unknown_until_its_id_is_found(store: Store) -> None:
    clock = ManualClock()
    await store_job(store, clock)
    attempt = await start_attempt(store, clock)
    assert await store.write(mark_interrupted_unknown) == 1
    [flying] = await store.read(settling.attempts_in_flight)
    assert (flying.state, flying.provider_id) == ("UNKNOWN", None)
    assert await store.write(lambda c: mark_submitted(c, attempt.task_id, 1, "found-u1"))
    [flying] = await store.read(settling.attempts_in_flight)
    assert (flying.state, flying.provider_id) == ("SUBMITTED", "found-u1")
    await store.write(lambda c: mark_unknown(c, attempt.task_id, 1))
    [flying] = await store.read(settling.attempts_in_flight)
    assert flying.state == "SUBMITTED"


async def test_a_task_that_waited_too_long_times_out(store: Store) -> None:
    clock = ManualClock()
    job = await store_job(store, clock, queue_ttl_s=60)
    assert await store.read(lambda c: expired_tasks(c, clock.now_ms())) == []
    clock.advance(60)
    [task_id] = await store.read(lambda c: expired_tasks(c, clock.now_ms()))
    assert await store.write(lambda c: settling.expire_task(c, nobody, task_id, clock.now_ms())) == job.id
    assert await store.write(lambda c: settling.expire_task(c, nobody, task_id, clock.now_ms())) is None
    row = await job_row(store, job.id)
    assert (row.status, row.items_failed) == (Status.TIMED_OUT, 2)
    assert (await item_rows(store, job.id))[0].error["code"] == "queue-expired"


@pytest.mark.parametrize(("codes", "expected"), [(("a", "a"), "a"), (("a", "b"), None), (("a", None), None)])
async def test_a_job_tells_the_error_that_all_its_items_ended_with(
    store: Store, codes: tuple[str | None, str | None], expected: str | None
) -> None:
    clock = ManualClock()
    job = await store_job(store, clock)
    attempt = await start_attempt(store, clock)
    ends = tuple(
        ItemEnd(n, f"i{n}", Status.FAILED, ErrorInfo(code=code, detail="…", retryable=False, stage="run"))
        if code
        else DONE[n]
        for n, code in enumerate(codes)
    )
    await store.write(
        lambda c: settling.end_attempt(c, nobody, attempt.task_id, 1, Settlement(ends, retry=False), facts(clock))
    )
    error = (await job_row(store, job.id)).error
    assert (error and error["code"]) == expected


async def test_progress_never_goes_back_and_is_dropped_at_the_end(store: Store) -> None:
    clock = ManualClock()
    await store_job(store, clock)
    attempt = await start_attempt(store, clock)
    await store.write(lambda c: mark_submitted(c, attempt.task_id, 1, "p"))
    [flying] = await store.read(settling.attempts_in_flight)
    assert await store.write(lambda c: settling.mark_running(c, nobody, flying, "worker", clock.now_ms()))
    assert await store.write(lambda c: settling.save_progress(c, flying, {"seq": 5, "percent": 50}))
    assert not await store.write(lambda c: settling.save_progress(c, flying, {"seq": 4, "percent": 40}))
    await store.write(
        lambda c: settling.end_attempt(c, nobody, attempt.task_id, 1, Settlement(DONE, retry=False), facts(clock))
    )
    assert not await store.write(lambda c: settling.save_progress(c, flying, {"seq": 6, "percent": 60}))
    task = await store.read(lambda c: c.execute(sa.select(tables.tasks)).one())
    assert (task.status, task.progress) == (TaskState.ENDED, None)


async def test_tasks_of_high_priority_go_first(store: Store) -> None:
    clock = ManualClock()
    low, normal, high = [await store_job(store, clock, priority=priority) for priority in ("low", "normal", "high")]
    waiting = await store.read(lambda c: waiting_tasks(c, clock.now_ms(), 10))
    assert [task.id for task in waiting] == [job.tasks[0].id for job in (high, normal, low)]


async def test_an_output_of_another_tenant_is_not_there(store: Store) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await store_job(store, ManualClock(), items=1, defaults={"image": f"output://job_{'0' * 26}/i0/text"})
    assert refused.value.errors[0].pointer == "/defaults/image"
