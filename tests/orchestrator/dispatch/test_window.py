"""The window: how many tasks are at the endpoint, and whose."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from orchestrator.store import tables
from orchestrator.store.attempts import waiting_tasks
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


async def test_what_waited_too_long_is_never_sent_however_much_of_it_there_is(ticking: Ticking) -> None:
    store = ticking.services.store
    jobs = [await ticking.api.post_job(1, queue_ttl_s=60) for _ in range(3)]
    late = {"queue_deadline_ms": ticking.api.clock.now_ms()}
    await store.write(lambda c: c.execute(tables.tasks.update().values(late)).rowcount)
    assert await store.read(lambda c: waiting_tasks(c, ticking.api.clock.now_ms(), 10)) == []
    await ticking.dispatch()
    assert {(await ticking.job(str(job["id"])))["status"] for job in jobs} == {"TIMED_OUT"}
    assert ticking.api.runpod.tasks == {}


async def test_all_that_waited_too_long_ends_in_one_write(ticking: Ticking, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        await ticking.api.post_job(1, queue_ttl_s=60)
    ticking.api.clock.advance(61)
    write, writes = ticking.services.store.write, []

    async def counted(function: Callable[[Connection], Any]) -> Any:
        writes.append(function)
        return await write(function)

    monkeypatch.setattr(ticking.services.store, "write", counted)
    await ticking.dispatch()
    assert len(writes) == 1
    assert {row.status for row in await ticking.api.rows(tables.jobs.select())} == {"TIMED_OUT"}
