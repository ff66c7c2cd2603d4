"""Acting on a job over HTTP: cancel, retry, delete."""

from orchestrator.jobs.settle import ItemEnd
from orchestrator.retention import purge
from orchestrator.store import tables
from shared.errors import MediaCorrupt, SourceUnavailable
from shared.wire.problem import ErrorInfo
from shared.wire.status import Status
from tests.orchestrator.api.running import Api, completed

FAILED = ErrorInfo.of(SourceUnavailable())


async def cancelled(api: Api, job_id: str) -> dict[str, object]:
    answer = await api.client.post(f"/v1/jobs/{job_id}/cancel")
    assert answer.status_code == 200, answer.text
    job: dict[str, object] = answer.json()
    return job


async def test_a_job_that_waits_is_cancelled_at_once(api: Api) -> None:
    job = await api.post_job(3)
    seen = await cancelled(api, job["id"])
    assert (seen["status"], seen["summary"]) == ("CANCELLED", {"total": 3, "succeeded": 0, "failed": 3})
    items = (await api.client.get(f"/v1/jobs/{job['id']}/items")).json()["items"]
    assert {(item["status"], item["error"]["code"]) for item in items} == {("CANCELLED", "cancelled")}
    assert {row.status for row in await api.rows(tables.tasks.select())} == {"ENDED"}


async def test_a_second_cancel_changes_nothing(api: Api) -> None:
    job = await api.post_job(1)
    first = await cancelled(api, job["id"])
    api.clock.advance(60)
    assert await cancelled(api, job["id"]) == first


async def test_a_job_that_has_ended_is_not_cancelled(api: Api) -> None:
    job = await api.post_job(1)
    await api.end_items(job["id"], [completed(0, "i0", "text", "acme/j/0-1/0/echo.txt")])
    assert (await cancelled(api, job["id"]))["status"] == "COMPLETED"


async def test_what_was_finished_before_the_cancel_stays(api: Api) -> None:
    job = await api.post_job(2)
    await api.end_items(job["id"], [completed(0, "i0", "text", "acme/j/0-1/0/echo.txt")], still_waiting=True)
    seen = await cancelled(api, job["id"])
    assert (seen["status"], seen["summary"]) == ("CANCELLED", {"total": 2, "succeeded": 1, "failed": 1})
    items = (await api.client.get(f"/v1/jobs/{job['id']}/items")).json()["items"]
    assert [item["status"] for item in items] == ["COMPLETED", "CANCELLED"]
    assert items[0]["output"]["text"]["url"]


async def test_a_retry_is_a_new_job_of_the_items_that_did_not_complete(api: Api) -> None:
    job = await api.post_job(3, labels={"order": "A-17"}, priority="high", output_ttl_s=600, queue_ttl_s=120)
    ends = [
        completed(0, "i0", "text", "acme/j/0-1/0/echo.txt"),
        ItemEnd(1, "i1", Status.FAILED, FAILED),
        ItemEnd(2, "i2", Status.TIMED_OUT, FAILED),
    ]
    await api.end_items(job["id"], ends)
    answer = await api.client.post(f"/v1/jobs/{job['id']}/retry")
    assert answer.status_code == 202
    again = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{again['id']}"
    assert "idempotent-replayed" not in answer.headers
    assert (again["retry_of"], again["status"], again["labels"]) == (job["id"], "IN_QUEUE", {"order": "A-17"})
    assert [item["id"] for item in again["items"]] == ["i1", "i2"]
    first, second = await api.rows(tables.jobs.select().order_by(tables.jobs.c.id))
    assert (second.priority, second.output_ttl_ms) == (first.priority, 600_000)
    assert second.queue_deadline_ms - second.created_ms == 120_000


async def test_asked_again_a_retry_is_the_same_job(api: Api) -> None:
    job = await api.post_job(1)
    await api.end_items(job["id"], [ItemEnd(0, "i0", Status.FAILED, FAILED)])
    first = await api.client.post(f"/v1/jobs/{job['id']}/retry")
    second = await api.client.post(f"/v1/jobs/{job['id']}/retry")
    assert (second.status_code, second.headers["idempotent-replayed"]) == (202, "true")
    assert second.json()["id"] == first.json()["id"]
    assert await api.count(tables.jobs) == 2


async def test_only_a_job_with_failed_items_that_has_ended_is_retried(api: Api) -> None:
    job = await api.post_job(1)
    early = await api.client.post(f"/v1/jobs/{job['id']}/retry")
    assert (early.status_code, early.json()["code"]) == (409, "job-not-ended")
    await api.end_items(job["id"], [completed(0, "i0", "text", "acme/j/0-1/0/echo.txt")])
    late = await api.client.post(f"/v1/jobs/{job['id']}/retry")
    assert (late.status_code, late.json()["code"]) == (409, "nothing-to-retry")


async def test_an_item_of_the_short_form_is_retried_too(api: Api) -> None:
    answer = await api.client.post("/v1/jobs", json={"operation": "echo", "input": {"text": "x"}, "output_ttl_s": None})
    job = answer.json()
    await api.end_items(job["id"], [ItemEnd(0, "0", Status.FAILED, ErrorInfo.of(MediaCorrupt()))])
    again = (await api.client.post(f"/v1/jobs/{job['id']}/retry")).json()
    assert [item["id"] for item in again["items"]] == ["0"]
    assert (await api.rows(tables.jobs.select().where(tables.jobs.c.id == again["id"])))[0].output_ttl_ms is None


async def test_a_deleted_job_is_gone_with_its_outputs(api: Api) -> None:
    job = await api.post_job(1)
    link = await api.finish_with_file(job["id"], b"text")
    other = await api.post_job(1)
    kept = await api.finish_with_file(other["id"], b"kept")
    assert (await api.client.delete(f"/v1/jobs/{job['id']}")).status_code == 204
    for address in (f"/v1/jobs/{job['id']}", f"/v1/jobs/{job['id']}/items", link):
        assert (await api.client.get(address)).status_code == 404
    assert (await api.client.delete(f"/v1/jobs/{job['id']}")).status_code == 404
    await purge.tick(api.services, api.clock.now_ms())
    assert not (api.folder / "outputs" / "acme" / job["id"]).exists()
    assert (await api.client.get(kept)).content == b"kept"
    assert await api.count(tables.purges) == 0


async def test_a_job_that_has_not_ended_is_not_deleted(api: Api) -> None:
    job = await api.post_job(1)
    answer = await api.client.delete(f"/v1/jobs/{job['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "job-not-ended")
    await cancelled(api, job["id"])
    assert (await api.client.delete(f"/v1/jobs/{job['id']}")).status_code == 204


async def test_what_a_worker_may_still_write_is_removed_once_more(api: Api) -> None:
    job = await api.post_job(1)
    now_ms = api.clock.now_ms()
    [task] = await api.rows(tables.tasks.select())
    attempt = {
        "task_id": task.id, "n": 1, "tenant": "acme", "job_id": job["id"], "endpoint": "fake", "state": "ENDED",
        "outcome": "CANCELLED", "item_ns": [0], "submitted_ms": now_ms, "deadline_ms": now_ms + 600_000,
    }  # fmt: skip
    await api.services.store.write(lambda c: c.execute(tables.attempts.insert(), attempt))
    await cancelled(api, job["id"])
    await api.client.delete(f"/v1/jobs/{job['id']}")
    await purge.tick(api.services, api.clock.now_ms())
    await api.put_object(f"acme/{job['id']}/0-1/0/echo.txt", b"late")
    await purge.tick(api.services, api.clock.now_ms())
    assert await api.count(tables.purges) == 1
    api.clock.advance(901)
    await purge.tick(api.services, api.clock.now_ms())
    assert not (api.folder / "outputs" / "acme" / job["id"]).exists()
    assert await api.count(tables.purges) == 0


async def test_nobody_acts_on_anothers_job(api: Api) -> None:
    job = await api.post_job(1)
    async with api.as_tenant("other") as stranger:
        for method, address in (("POST", "/cancel"), ("POST", "/retry"), ("DELETE", "")):
            answer = await stranger.request(method, f"/v1/jobs/{job['id']}{address}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (await api.client.get(f"/v1/jobs/{job['id']}")).json()["status"] == "IN_QUEUE"
