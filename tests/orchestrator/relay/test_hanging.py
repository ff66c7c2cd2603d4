"""An endpoint that lets one request hang: it holds up neither the loop nor any other task."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from orchestrator.store import tables
from tests.orchestrator.api.running import database, running_api
from tests.orchestrator.relay.ticking import Ticking

__all__ = ["database"]


@pytest.fixture
async def ticking(tmp_path: Path, database: Path) -> AsyncIterator[Ticking]:
    async with running_api(tmp_path, database, max_workers=8) as running:
        ticking = Ticking(running)
        yield ticking
        running.runpod.released.set()
        await ticking.window.submits.idle()
        await ticking.follower.looks.idle()


async def ticked_until(ticking: Ticking, condition: Callable[[], Awaitable[bool]]) -> None:
    """Let both loops tick until `condition()` holds."""
    async with asyncio.timeout(10):
        while not await condition():
            await tick(ticking)
            await asyncio.sleep(0.01)


async def tick(ticking: Ticking) -> None:
    """Let both loops tick, without waiting for what they begin."""
    ticking.api.clock.advance(2)
    await ticking.window.tick(ticking.services, ticking.api.clock.now_ms())
    await ticking.follower.tick(ticking.services, ticking.api.clock.now_ms())


async def test_a_status_read_that_hangs_delays_no_other_task_and_no_cancel(ticking: Ticking) -> None:
    runpod = ticking.api.runpod
    for _ in range(3):
        await ticking.submitted(1)
    runpod.faults["status"] = ["hang"]

    async def one_look_hangs() -> bool:
        return runpod.calls["status"] >= 3 and len(ticking.follower.looks) == 1

    await ticked_until(ticking, one_look_hangs)
    rows = await ticking.api.rows(tables.attempts.select())
    [hanging] = [row for row in rows if (row.task_id, row.n) in ticking.follower.looks]
    failed, cancelled = (row for row in rows if row is not hanging)
    assert (await ticking.api.client.post(f"/v1/jobs/{cancelled.job_id}/cancel")).is_success
    runpod.tasks[failed.provider_id].status = "FAILED"

    async def both_have_ended() -> bool:
        rows = await ticking.api.rows(tables.attempts.select().where(tables.attempts.c.ended_ms.is_not(None)))
        return {(row.job_id, row.outcome) for row in rows} >= {
            (failed.job_id, "FAILED"),
            (cancelled.job_id, "CANCELLED"),
        }

    await ticked_until(ticking, both_have_ended)
    assert (await ticking.job(hanging.job_id))["status"] == "IN_QUEUE"
    assert len(ticking.follower.looks) == 1


async def test_submits_that_hang_delay_no_other_and_are_sent_once(ticking: Ticking) -> None:
    runpod = ticking.api.runpod
    runpod.faults["run"] = ["hang"] * 2
    jobs = [(await ticking.api.post_job(1))["id"] for _ in range(12)]

    async def all_others_were_submitted() -> bool:
        return len(runpod.tasks) == len(jobs) - 2 and len(ticking.window.submits) == 2

    await ticked_until(ticking, all_others_were_submitted)
    assert runpod.calls["run"] == len(jobs)
    runpod.released.set()
    await ticking.window.submits.idle()
    assert len(runpod.tasks) == len(jobs) == await ticking.api.count(tables.attempts)
    assert {row.state for row in await ticking.api.rows(tables.attempts.select())} == {"SUBMITTED"}
