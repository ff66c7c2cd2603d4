"""Cancelling what is at the endpoint: asked for until it has stopped, and one terminal state whatever the order."""

from urllib.parse import urlsplit

from tests.orchestrator.relay.ticking import Ticking


async def cancel(ticking: Ticking, job_id: str) -> int:
    return (await ticking.api.client.post(f"/v1/jobs/{job_id}/cancel")).status_code


async def test_a_running_task_is_stopped_at_the_endpoint(ticking: Ticking) -> None:
    job_id = await ticking.submitted()
    ticking.only_task.status = "IN_PROGRESS"
    await ticking.follow()
    assert (await ticking.job(job_id))["status"] == "IN_PROGRESS"
    assert await cancel(ticking, job_id) == 202
    job = await ticking.job(job_id)
    assert (job["status"], job["progress"]["stage"]) == ("IN_PROGRESS", "cancel")
    assert ticking.services.hints.arrived.is_set()
    await ticking.follow(0)
    assert ticking.only_task.status == "CANCELLED"
    job = await ticking.job(job_id)
    assert (job["status"], job["summary"]["failed"]) == ("CANCELLED", 2)
    assert await ticking.codes(job_id) == ["cancelled"] * 2
    assert await cancel(ticking, job_id) == 200


async def test_an_endpoint_that_fails_is_asked_again(ticking: Ticking) -> None:
    job_id = await ticking.submitted()
    await cancel(ticking, job_id)
    ticking.api.runpod.faults["cancel"] = [500] * 8
    await ticking.follow(0)
    await ticking.follow()
    assert (await ticking.job(job_id))["status"] == "IN_QUEUE"
    await ticking.follow()
    assert (await ticking.job(job_id))["status"] == "CANCELLED"
    assert ticking.only_task.status == "CANCELLED"


async def test_what_had_completed_before_the_cancel_came_stays_completed(ticking: Ticking) -> None:
    job_id = await ticking.submitted(1)
    await ticking.close_with(await ticking.commit(0))
    ticking.only_task.status = "COMPLETED"
    await cancel(ticking, job_id)
    await ticking.follow(0)
    assert (await ticking.job(job_id))["status"] == "COMPLETED"
    assert ticking.api.runpod.calls["cancel"] == 0


async def test_a_submit_that_fails_after_the_cancel_leaves_nothing_waiting(ticking: Ticking) -> None:
    amid = "CREATE TRIGGER amid BEFORE DELETE ON attempts BEGIN UPDATE jobs SET cancelled_ms = 1; END"
    await ticking.services.store.write(lambda c: c.exec_driver_sql(amid))
    ticking.api.runpod.faults["run"] = [503] * 4
    job_id = await ticking.submitted()
    assert (await ticking.job(job_id))["status"] == "CANCELLED"
    ticking.api.clock.advance(60)
    await ticking.dispatch()
    assert ticking.api.runpod.tasks == {}


async def test_an_attempt_of_a_cancelled_job_is_not_tried_again(ticking: Ticking) -> None:
    job_id = await ticking.submitted()
    ticking.only_task.status, ticking.only_task.error = "FAILED", "worker lost"
    await cancel(ticking, job_id)
    await ticking.follow(0)
    assert (await ticking.job(job_id))["status"] == "CANCELLED"
    ticking.api.clock.advance(60)
    await ticking.dispatch()
    assert len(ticking.api.runpod.tasks) == 1


async def test_a_lost_submit_of_a_cancelled_job_is_not_waited_for(ticking: Ticking) -> None:
    ticking.api.runpod.faults["run"] = ["lose"]
    job_id = await ticking.submitted()
    await cancel(ticking, job_id)
    await ticking.follow(0)
    assert (await ticking.job(job_id))["status"] == "CANCELLED"


async def hint(ticking: Ticking) -> int:
    task = ticking.only_task
    path = urlsplit(task.body["webhook"]).path
    return (await ticking.api.client.post(path, json={"id": task.id, "status": task.status})).status_code


async def test_a_run_that_a_hint_brings_to_light_after_the_cancel_is_stopped(ticking: Ticking) -> None:
    ticking.api.runpod.faults["run"] = ["lose"]
    await cancel(ticking, await ticking.submitted())
    await ticking.follow(0)
    assert (await ticking.attempt_row()).outcome == "LOST"
    ticking.only_task.status = "IN_PROGRESS"
    ticking.api.runpod.faults["cancel"] = [503] * 4
    assert await hint(ticking) == 503
    assert await hint(ticking) == 200
    assert ticking.only_task.status == "CANCELLED"


async def test_a_hint_of_what_has_ended_costs_the_endpoint_no_cancel(ticking: Ticking) -> None:
    job_id = await ticking.submitted(1)
    await ticking.close_with(await ticking.commit(0))
    ticking.only_task.status = "COMPLETED"
    await ticking.follow()
    assert (await ticking.job(job_id))["status"] == "COMPLETED"
    assert await hint(ticking) == 200
    assert ticking.api.runpod.calls["cancel"] == 0
