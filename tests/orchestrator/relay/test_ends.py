"""Every attempt ends: whatever fails on its way, whatever its worker wrote, and whatever the clock does."""

import dataclasses
from typing import Any

import pytest

from orchestrator.store import tables
from shared.catalogue import Catalogue
from shared.operations import img2vid
from tests.orchestrator.relay.ticking import Ticking

HOUR_S = 3600


async def meddle(ticking: Ticking, body: str) -> None:
    """Have the database run `body` when an attempt's provider id is to be stored."""
    trigger = f"CREATE TRIGGER meddle BEFORE UPDATE OF provider_id ON attempts BEGIN {body}; END"
    await ticking.services.store.write(lambda c: c.exec_driver_sql(trigger))


async def test_a_submit_whose_id_could_not_be_stored_is_given_up_in_time(ticking: Ticking) -> None:
    await meddle(ticking, "SELECT RAISE(ABORT, 'no room')")
    await ticking.submitted()
    assert (await ticking.attempt_row()).state == "SUBMITTING"
    await ticking.follow(60)
    assert (await ticking.attempt_row()).state == "SUBMITTING"
    await ticking.follow(300)
    assert (await ticking.attempt_row()).outcome == "LOST"


async def test_an_id_that_comes_after_its_attempt_was_given_up_is_cancelled(ticking: Ticking) -> None:
    await meddle(ticking, "UPDATE attempts SET state = 'ENDED'; SELECT RAISE(IGNORE)")
    await ticking.submitted()
    assert ticking.only_task.status == "CANCELLED"


async def test_an_id_that_a_hint_brought_first_is_not_cancelled(ticking: Ticking) -> None:
    await meddle(
        ticking, "UPDATE attempts SET state = 'SUBMITTED', provider_id = NEW.provider_id; SELECT RAISE(IGNORE)"
    )
    await ticking.submitted()
    assert ticking.only_task.status == "IN_QUEUE"
    assert (await ticking.attempt_row()).state == "SUBMITTED"


async def test_an_endpoint_that_never_answers_again_ends_the_attempt_at_its_deadline(ticking: Ticking) -> None:
    job_id = await ticking.submitted(queue_ttl_s=60)
    ticking.api.runpod.faults["status"] = [401] * 100
    await ticking.follow()
    assert (await ticking.job(job_id))["status"] == "IN_QUEUE"
    await ticking.follow(HOUR_S)
    await ticking.dispatch()
    assert await ticking.codes(job_id) == ["queue-expired"] * 2


async def test_an_attempt_at_an_endpoint_that_is_no_longer_set_goes_to_the_new_one(ticking: Ticking) -> None:
    await ticking.submitted()
    moved = ticking.services.settings.model_copy(update={"endpoint_url": "https://api.runpod.ai/v2/other"})
    ticking.with_other(settings=moved)
    await ticking.follow(60)
    assert (await ticking.attempt_row()).state == "SUBMITTED"
    await ticking.follow(100)
    await ticking.dispatch()
    attempt = await ticking.attempt_row()
    assert (attempt.n, attempt.endpoint) == (2, "other")


async def test_a_task_that_no_worker_takes_is_cancelled_when_its_queue_time_is_over(ticking: Ticking) -> None:
    job_id = await ticking.submitted(queue_ttl_s=60)
    await ticking.follow(59)
    assert (await ticking.job(job_id))["status"] == "IN_QUEUE"
    ticking.api.runpod.faults["cancel"] = [503] * 4
    await ticking.follow(5)
    assert (await ticking.job(job_id))["status"] == "IN_QUEUE"
    await ticking.follow(5)
    job = await ticking.job(job_id)
    assert (job["status"], job["started_at"]) == ("TIMED_OUT", None)
    assert await ticking.codes(job_id) == ["queue-expired"] * 2
    assert ticking.only_task.status == "CANCELLED"


async def test_our_own_cancel_is_no_cancel_of_the_job_even_when_we_were_interrupted_after_it(ticking: Ticking) -> None:
    job_id = await ticking.submitted(queue_ttl_s=60)
    ticking.only_task.status = "CANCELLED"
    await ticking.follow(70)
    assert (await ticking.job(job_id))["status"] == "TIMED_OUT"


async def test_a_task_whose_worker_was_lost_waits_as_long_for_the_next_one(ticking: Ticking) -> None:
    job_id = await ticking.submitted(queue_ttl_s=60)
    ticking.only_task.status = "IN_PROGRESS"
    await ticking.follow()
    await ticking.follow(200)
    ticking.only_task.status = "FAILED"
    await ticking.follow()
    ticking.api.clock.advance(3)
    await ticking.dispatch()
    assert (await ticking.job(job_id))["status"] == "IN_PROGRESS"
    assert (await ticking.attempt_row()).n == 2


async def test_an_operation_that_no_longer_takes_the_jobs_parameters_ends_the_job(ticking: Ticking) -> None:
    job_id = str((await ticking.api.post_job(1))["id"])
    ticking.with_other(catalogue=_with_other_params(ticking.services.catalogue))
    await ticking.dispatch()
    assert await ticking.codes(job_id) == ["operation-unsupported"]


async def test_a_result_for_parameters_that_are_no_longer_taken_ends_the_job_too(ticking: Ticking) -> None:
    job_id = await ticking.submitted(1)
    ticking.with_other(catalogue=_with_other_params(ticking.services.catalogue))
    await ticking.close_with(await ticking.commit(0))
    ticking.only_task.status = "COMPLETED"
    await ticking.follow()
    ticking.api.clock.advance(3)
    await ticking.dispatch()
    assert await ticking.codes(job_id) == ["operation-unsupported"]


async def test_an_item_that_the_manifest_lacks_counts_by_its_commit_marker(ticking: Ticking) -> None:
    job_id = await ticking.submitted()
    await ticking.commit(0)
    await ticking.close_with(await ticking.commit(1))
    ticking.only_task.status = "COMPLETED"
    await ticking.follow()
    job = await ticking.job(job_id)
    assert (job["status"], job["attempts"]) == ("COMPLETED", 1)


@pytest.mark.parametrize(
    "change",
    [{"content_type": "text/html\r\nset-cookie: a=b"}, {"sha256": '"\r\n'}, {"size_bytes": 4}, {"key": "acme/other"}],
    ids=str,
)
async def test_a_result_that_is_not_as_ordered_is_not_believed(ticking: Ticking, change: dict[str, Any]) -> None:
    job_id = await ticking.submitted()
    await ticking.close_with(await ticking.commit(0), await ticking.commit(1, **change))
    ticking.only_task.status = "COMPLETED"
    await ticking.follow()
    assert [item["status"] for item in (await ticking.job(job_id))["items"]] == ["COMPLETED", "IN_QUEUE"]


async def test_a_workers_boundless_claims_are_cut_to_size(ticking: Ticking) -> None:
    job_id = await ticking.submitted()
    results = [await ticking.commit(n) for n in range(2)]
    await ticking.close_with(*results, execution_ms=10**30, gpu="g" * 1000)
    ticking.only_task.status = "COMPLETED"
    await ticking.follow(3)
    job = await ticking.job(job_id)
    assert (job["status"], job["execution_ms"]) == ("COMPLETED", 3000)
    assert len((await ticking.attempt_row()).gpu) == 128


async def test_a_job_that_has_ended_does_not_change_when_its_attempt_ends(ticking: Ticking) -> None:
    job_id = await ticking.submitted()
    results = [await ticking.commit(n) for n in range(2)]
    task = ticking.only_task
    task.status = "IN_PROGRESS"
    task.output = {"seq": 1, "stage": "upload", "percent": 99.0, "committed": ["i0", "i1"]}
    await ticking.follow()
    assert (await ticking.job(job_id))["summary"]["succeeded"] == 1
    await ticking.close_with(*results)
    task.status = "COMPLETED"
    await ticking.follow()
    ended = await ticking.job(job_id)
    assert (ended["status"], ended["execution_ms"]) == ("COMPLETED", 40)


async def test_why_a_worker_refused_the_whole_task_is_told_when_no_attempt_is_left(ticking: Ticking) -> None:
    job_id = await ticking.submitted(1)
    for _ in range(ticking.services.settings.max_attempts):
        ticking.only_task.status = "FAILED"
        ticking.only_task.error = '{"code": "order-unsupported", "detail": "…", "retryable": false, "stage": "start"}'
        await ticking.follow()
        ticking.api.clock.advance(3)
        await ticking.dispatch()
    assert await ticking.codes(job_id) == ["order-unsupported"]


async def test_a_clock_that_is_set_back_does_not_stop_the_looking(ticking: Ticking) -> None:
    job_id = await ticking.submitted()
    await ticking.follow()
    results = [await ticking.commit(n) for n in range(2)]
    await ticking.close_with(*results)
    ticking.only_task.status = "COMPLETED"
    await ticking.follow(-600)
    assert (await ticking.job(job_id))["status"] == "COMPLETED"


async def test_one_attempt_that_can_not_be_looked_at_holds_up_no_other(
    ticking: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [await ticking.submitted(1) for _ in range(2)]
    for task in ticking.api.runpod.tasks.values():
        task.status = "IN_PROGRESS"
    first = next(iter(ticking.api.runpod.tasks))
    status = ticking.services.endpoint.status

    async def defective(provider_id: str) -> Any:
        if provider_id == first:
            raise ZeroDivisionError
        return await status(provider_id)

    monkeypatch.setattr(ticking.services.endpoint, "status", defective)
    await ticking.follow()
    assert [(await ticking.job(job_id))["status"] for job_id in jobs] == ["IN_QUEUE", "IN_PROGRESS"]


async def test_a_hint_after_the_end_is_not_kept(ticking: Ticking) -> None:
    await ticking.submitted()
    ticking.services.hints.add("task_gone", 1)
    await ticking.follow()
    assert ("task_gone", 1) not in ticking.services.hints


async def test_storage_that_fails_while_an_attempt_ends_is_asked_again(ticking: Ticking) -> None:
    job_id = await ticking.submitted()
    await ticking.close_with(*[await ticking.commit(n) for n in range(2)])
    ticking.only_task.status = "COMPLETED"
    objects = ticking.api.folder / "outputs"
    away = objects.rename(ticking.api.folder / "away")
    objects.mkdir()  # as a disk that is not mounted leaves it
    await ticking.follow()
    assert (await ticking.job(job_id))["status"] == "IN_QUEUE"
    objects.rmdir()
    away.rename(objects)
    await ticking.follow()
    job = await ticking.job(job_id)
    assert (job["status"], job["attempts"]) == ("COMPLETED", 1)


def _with_other_params(catalogue: Catalogue) -> Catalogue:
    """Return a catalogue whose `echo` wants what img2vid wants."""
    return Catalogue({**catalogue, "echo": dataclasses.replace(catalogue["echo"], params=img2vid.Params)})


async def test_a_job_costs_what_all_of_its_attempts_took(ticking: Ticking) -> None:
    priced = ticking.services.settings.model_copy(update={"worker_price_per_s": 0.25, "currency": "EUR"})
    ticking.with_other(settings=priced)
    job_id = await ticking.submitted(1)
    ticking.only_task.status, ticking.only_task.error = "FAILED", "worker lost"
    await ticking.close_with(execution_ms=1_500)
    await ticking.follow(20)
    await ticking.follow(20)
    await ticking.dispatch()
    await ticking.close_with(await ticking.commit(0), execution_ms=2_500)
    ticking.only_task.status = "COMPLETED"
    await ticking.follow(20)
    [row] = await ticking.api.rows(tables.jobs.select())
    assert (row.status, row.execution_ms, row.cost) == ("COMPLETED", 4_000, 1.0)
    assert job_id == row.id
