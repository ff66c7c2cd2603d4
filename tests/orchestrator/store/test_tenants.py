"""The number of a tenant's open items, through everything that opens and ends them."""

from pathlib import Path

import sqlalchemy as sa

from orchestrator.jobs.settle import ItemEnd, Settlement
from orchestrator.jobs.states import AttemptEnd
from orchestrator.store import tables
from orchestrator.store.settling import AttemptFacts, commit_items, end_attempt, expire_task
from orchestrator.store.store import Store
from orchestrator.store.tenants import open_items, recount_open_items
from shared.clock import ManualClock
from shared.errors import OperationFailed
from shared.wire.problem import ErrorInfo
from shared.wire.status import Status
from tests.orchestrator.store.stored_jobs import nobody, open_store, start_attempt, store_job


async def counted(store: Store) -> tuple[int, int]:
    """Return the number that is kept, and the same counted from the items themselves."""
    unended = sa.select(sa.func.count()).where(tables.items.c.status.in_(("IN_QUEUE", "IN_PROGRESS")))
    return await store.read(lambda c: (open_items(c, "acme"), int(c.execute(unended).scalar_one())))


async def test_the_number_is_right_after_every_kind_of_end(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_store(tmp_path) as store:
        await store_job(store, clock, items=3)
        attempt = await start_attempt(store, clock)
        task_id, n = attempt.task_id, attempt.n
        assert await counted(store) == (3, 3)
        done = [ItemEnd(0, "i0", Status.COMPLETED)]
        for _ in range(2):  # told twice, it counts once
            await store.write(lambda c: commit_items(c, nobody, task_id, n, done, clock.now_ms()))
            assert await counted(store) == (2, 2)
        error = ErrorInfo.of(OperationFailed())
        failed = Settlement(ended=tuple(ItemEnd(k, f"i{k}", Status.FAILED, error) for k in (1, 2)), retry=False)
        facts = AttemptFacts(AttemptEnd.FAILED, clock.now_ms())
        assert await store.write(lambda c: end_attempt(c, nobody, task_id, n, failed, facts))
        assert await counted(store) == (0, 0)


async def test_the_number_is_right_after_a_queue_time_out(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_store(tmp_path) as store:
        job = await store_job(store, clock, items=4)
        assert await store.write(lambda c: expire_task(c, nobody, job.tasks[0].id, clock.now_ms())) is not None
        left = 4 - job.tasks[0].items_total
        assert await counted(store) == (left, left)


async def test_a_restart_mends_a_number_that_is_wrong(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_store(tmp_path) as store:
        await store_job(store, clock, items=3)
        attempt = await start_attempt(store, clock)
        done = [ItemEnd(0, "i0", Status.COMPLETED)]
        await store.write(lambda c: commit_items(c, nobody, attempt.task_id, attempt.n, done, clock.now_ms()))
        await store.write(lambda c: c.execute(tables.tenants.update().values(open_items=77)))
        await store.write(recount_open_items)
        assert await counted(store) == (2, 2)
