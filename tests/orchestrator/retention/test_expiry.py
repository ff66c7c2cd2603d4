"""Outputs go when their time is over: all of them, on every storage, whatever interrupts it; the record stays."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from orchestrator.retention import expire, purge
from orchestrator.store import tables
from orchestrator.store.settling import commit_items
from shared.errors import StorageUnavailable
from tests.orchestrator.api.running import Api, completed
from tests.orchestrator.relay.ticking import Ticking
from tests.orchestrator.retention.keeping import FILES, Cutting, Keeping, Killed


async def test_all_files_of_a_job_go_when_its_time_is_over_and_the_record_says_so(keeping: Keeping) -> None:
    job_id = await keeping.ended_job(output_ttl_s=600)
    before = await keeping.job(job_id)
    keeping.api.clock.advance(599)
    await keeping.sweep()
    assert await keeping.left(job_id) == list(FILES)
    keeping.api.clock.advance(2)
    await keeping.sweep()
    assert await keeping.left(job_id) == []
    after = await keeping.job(job_id)
    assert (before["outputs_deleted_at"], after["outputs_deleted_at"]) == (None, "2027-01-15T08:10:01Z")
    unchanged = {name: after[name] for name in ("status", "expires_at", "items", "summary", "completed_at")}
    assert unchanged == {name: before[name] for name in unchanged}
    assert (await keeping.audit())[-1] == ("retention", "outputs.deleted", job_id)
    assert await keeping.api.count(tables.purges) == 0


async def test_a_link_says_that_it_has_expired_before_and_after_the_files_are_gone(keeping: Keeping) -> None:
    job_id = await keeping.ended_job(output_ttl_s=60)
    keeping.api.clock.advance(60)
    assert await keeping.link_answers(job_id) == (410, "link-expired")
    await keeping.sweep()
    assert await keeping.left(job_id) == []
    assert await keeping.link_answers(job_id) == (410, "link-expired")


async def test_outputs_without_a_time_stay(keeping: Keeping) -> None:
    job_id = await keeping.ended_job(output_ttl_s=None)
    keeping.api.clock.advance(10 * 365 * 86_400)
    await keeping.sweep()
    assert await keeping.left(job_id) == list(FILES)
    assert (await keeping.job(job_id))["expires_at"] is None


async def test_a_job_that_runs_keeps_what_it_has_made(keeping: Keeping) -> None:
    job_id = str((await keeping.api.post_job(2, output_ttl_s=60))["id"])
    await keeping.put(f"acme/{job_id}/{FILES[0]}")
    keeping.api.clock.advance(86_400)
    await keeping.sweep()
    assert await keeping.left(job_id) == [FILES[0]]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_a_server_that_ends_while_it_deletes_finishes_after_its_restart(keeping: Keeping, before: bool) -> None:
    job_id = await keeping.ended_job(output_ttl_s=60)
    keeping.api.clock.advance(61)
    cut: Any = Cutting(keeping.services.storage, before=before)
    with pytest.raises(Killed):
        await keeping.sweep(replace(keeping.services, storage=cut))
    assert await keeping.left(job_id) == (list(FILES) if before else [])
    assert (await keeping.job(job_id))["outputs_deleted_at"] is None
    keeping.api.clock.advance(5)
    await keeping.sweep()
    assert await keeping.left(job_id) == []
    assert (await keeping.job(job_id))["outputs_deleted_at"] == "2027-01-15T08:01:06Z"
    assert [action for _, action, _ in await keeping.audit()].count("outputs.deleted") == 1


async def test_a_storage_that_is_away_is_asked_again_a_minute_later(keeping: Keeping) -> None:
    job_id = await keeping.ended_job(output_ttl_s=60)
    keeping.api.clock.advance(61)

    class Away:
        async def delete_under(self, prefix: str) -> int:
            raise StorageUnavailable

    away: Any = Away()
    await keeping.sweep(replace(keeping.services, storage=away))
    await keeping.sweep()
    assert await keeping.left(job_id) == list(FILES)
    keeping.api.clock.advance(60)
    await keeping.sweep()
    assert await keeping.left(job_id) == []


@pytest.mark.parametrize("error", [StorageUnavailable, ZeroDivisionError])
async def test_an_order_that_fails_holds_up_no_other(keeping: Keeping, error: type[Exception]) -> None:
    failing = await keeping.ended_job(output_ttl_s=60)
    keeping.api.clock.advance(1)
    other = await keeping.ended_job(output_ttl_s=60)
    keeping.api.clock.advance(61)
    storage = keeping.services.storage

    class Failing:
        async def delete_under(self, prefix: str) -> int:
            if failing in prefix:
                raise error
            return await storage.delete_under(prefix)

    services: Any = Failing()
    await keeping.sweep(replace(keeping.services, storage=services))
    assert (await keeping.left(failing), await keeping.left(other)) == (list(FILES), [])
    await keeping.sweep()
    assert await keeping.left(failing) == list(FILES)
    keeping.api.clock.advance(60)
    await keeping.sweep()
    assert await keeping.left(failing) == []


async def test_what_a_lost_worker_writes_later_goes_too(keeping: Keeping) -> None:
    job_id = await keeping.ended_job(output_ttl_s=60)
    [task] = await keeping.api.rows(sa.select(tables.tasks.c.id).where(tables.tasks.c.job_id == job_id))
    now_ms = keeping.api.clock.now_ms()
    lost = {
        "task_id": task.id,
        "n": 1,
        "tenant": "acme",
        "job_id": job_id,
        "endpoint": "fake",
        "state": "ENDED",
        "outcome": "LOST",
        "item_ns": [0],
        "submitted_ms": now_ms,
        "deadline_ms": now_ms + 600_000,
    }
    await keeping.services.store.write(lambda c: c.execute(tables.attempts.insert(), lost))
    keeping.api.clock.advance(61)
    await keeping.sweep()
    assert (await keeping.job(job_id))["outputs_deleted_at"] is not None
    await keeping.put(f"acme/{job_id}/{FILES[0]}")
    await keeping.sweep()
    assert await keeping.left(job_id) == [FILES[0]]
    keeping.api.clock.advance(1000)
    await keeping.sweep()
    assert await keeping.left(job_id) == []
    assert await keeping.api.count(tables.purges) == 0


async def test_an_expired_job_can_be_deleted_while_its_outputs_go(keeping: Keeping) -> None:
    job_id = await keeping.ended_job(output_ttl_s=60)
    keeping.api.clock.advance(61)
    await expire.tick(keeping.services, keeping.api.clock.now_ms())
    assert (await keeping.api.client.delete(f"/v1/jobs/{job_id}")).status_code == 204
    await keeping.sweep()
    assert await keeping.left(job_id) == []
    assert await keeping.api.count(tables.purges) == 0


async def test_many_jobs_that_expire_at_once_go_in_batches(keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expire, "AT_ONCE", 2)
    monkeypatch.setattr(purge, "AT_ONCE", 2)
    jobs = [await keeping.ended_job(output_ttl_s=60) for _ in range(5)]
    keeping.api.clock.advance(61)
    await expire.tick(keeping.services, keeping.api.clock.now_ms())
    assert await keeping.api.count(tables.purges) == 5
    for left in (3, 1, 0):
        keeping.services.purge_waiting.clear()
        await purge.tick(keeping.services, keeping.api.clock.now_ms())
        assert await keeping.api.count(tables.purges) == left
        assert keeping.services.purge_waiting.is_set() == (left > 0)
    assert [await keeping.left(job_id) for job_id in jobs] == [[]] * 5


async def test_what_a_worker_still_writes_after_its_jobs_deletion_goes_when_its_addresses_have_ended(api: Api) -> None:
    ticking = Ticking(api)
    job_id = await ticking.submitted(1)
    result = await ticking.commit(0)
    attempt = await ticking.attempt_row()
    ends = [completed(0, "i0", "text", result.outputs["text"].key)]
    assert await api.services.store.write(
        lambda c: commit_items(c, api.services.announce, attempt.task_id, attempt.n, ends, api.clock.now_ms())
    )
    assert (await ticking.attempt_row()).outcome is None
    assert (await api.client.delete(f"/v1/jobs/{job_id}")).status_code == 204
    await purge.tick(api.services, api.clock.now_ms())
    late = f"acme/{job_id}/0-1/manifest.json"
    await api.put_object(late, b"{}")
    api.clock.advance((attempt.deadline_ms - api.clock.now_ms()) / 1000 + 300)
    await purge.tick(api.services, api.clock.now_ms())
    assert await api.services.storage.head(late) is None
    assert await api.count(tables.purges) == 0
