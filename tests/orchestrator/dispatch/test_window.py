"""The window: how many tasks are at the endpoint, and whose."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.store import tables
from tests.orchestrator.api.running import database, running_api
from tests.orchestrator.relay.ticking import Ticking

__all__ = ["database"]


@pytest.fixture
async def ticking(tmp_path: Path, database: Path) -> AsyncIterator[Ticking]:
    async with running_api(tmp_path, database, max_workers=2) as running:
        yield Ticking(running)


async def tenants_at_the_endpoint(ticking: Ticking) -> Counter[str]:
    return Counter(row.tenant for row in await ticking.api.rows(tables.attempts.select()))


async def test_no_more_than_twice_the_workers_are_in_flight(ticking: Ticking) -> None:
    for _ in range(3):
        await ticking.api.post_job(2)
    await ticking.dispatch()
    await ticking.dispatch()
    assert len(ticking.api.runpod.tasks) == 4


async def test_a_tenant_that_comes_late_gets_its_share(ticking: Ticking) -> None:
    for _ in range(4):
        await ticking.api.post_job(1, priority="high")
    async with ticking.api.as_tenant("other") as other:
        for _ in range(4):
            body = {"operation": "echo", "input": {}, "priority": "low"}
            assert (await other.post("/v1/jobs", json=body)).status_code == 202
    await ticking.dispatch()
    assert await tenants_at_the_endpoint(ticking) == {"acme": 2, "other": 2}


async def test_a_task_that_must_wait_lets_others_by(ticking: Ticking) -> None:
    first = await ticking.api.post_job(1)
    ticking.api.runpod.faults["run"] = [503] * 4
    await ticking.dispatch()
    assert ticking.api.runpod.tasks == {}
    second = await ticking.api.post_job(1)
    await ticking.dispatch()
    assert [row.job_id for row in await ticking.api.rows(tables.attempts.select())] == [second["id"]]
    ticking.api.clock.advance(6)
    await ticking.dispatch()
    assert {row.job_id for row in await ticking.api.rows(tables.attempts.select())} == {first["id"], second["id"]}
