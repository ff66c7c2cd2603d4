"""What is written into the outbox: which events, with what in them, and together with the change that they tell of."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from orchestrator.store import tables
from orchestrator.store.settling import commit_items
from orchestrator.webhooks.outbox import MAX_BODY_BYTES, MAX_ITEMS
from shared.wire.status import JobEvent, Status
from shared.wire.webhook import WebhookEvent
from tests.orchestrator.webhooks.posting import Posting, ends_of

DONE, FAILED, LATE = Status.COMPLETED, Status.FAILED, Status.TIMED_OUT


async def told(post: Posting, job_id: str) -> list[dict[str, Any]]:
    """Return what the outbox holds of a job, in event order."""
    query = sa.select(tables.outbox.c.body).where(tables.outbox.c.job_id == job_id).order_by(tables.outbox.c.seq)
    return [json.loads(row.body) for row in await post.api.rows(query)]


@pytest.mark.parametrize(
    ("ends", "event"),
    [
        ([DONE, DONE], "job.completed"),
        ([DONE, FAILED], "job.completed_with_errors"),
        ([FAILED, LATE], "job.failed"),
        ([LATE, LATE], "job.timed_out"),
    ],
)
async def test_each_end_is_told_by_its_own_event(post: Posting, ends: list[Status], event: str) -> None:
    job_id = await post.ended_job(*ends)
    assert [body["type"] for body in await told(post, job_id)] == [event]


async def test_a_cancel_is_told(post: Posting) -> None:
    job = await post.api.post_job(webhook=post.receiver.url())
    await post.api.client.post(f"/v1/jobs/{job['id']}/cancel")
    [body] = await told(post, job["id"])
    assert (body["type"], body["data"]["job"]["status"]) == ("job.cancelled", "CANCELLED")


async def test_only_the_chosen_events_are_told(post: Posting) -> None:
    wanted = ["job.failed", "job.started"]
    failed = await post.ended_job(FAILED, webhook_events=wanted)
    completed = await post.ended_job(DONE, webhook_events=wanted)
    assert [body["type"] for body in await told(post, failed)] == ["job.failed"]
    assert await told(post, completed) == []


@pytest.mark.parametrize(("wanted", "count"), [(None, 0), (["job.started"], 1)])
async def test_a_start_is_told_to_who_asks_for_it(post: Posting, wanted: list[str] | None, count: int) -> None:
    job = await post.api.post_job(webhook=post.receiver.url(), webhook_events=wanted)
    announce = post.api.services.announce
    await post.api.services.store.write(lambda c: announce(c, "acme", job["id"], Status.IN_PROGRESS, 1_000))
    bodies = await told(post, job["id"])
    assert [body["type"] for body in bodies] == ["job.started"] * count
    assert all(body["data"]["job"]["progress"]["items_total"] == 1 for body in bodies)


async def test_an_event_shows_the_job_as_a_read_of_it_does(post: Posting) -> None:
    job_id = await post.ended_job(DONE, FAILED, labels={"order": "Ä-17"})
    [body] = await told(post, job_id)
    assert body["data"] == {
        "url": f"https://media.example/v1/jobs/{job_id}",
        "job": (await post.api.client.get(f"/v1/jobs/{job_id}")).json(),
    }
    assert body["timestamp"] == body["data"]["job"]["completed_at"]
    assert WebhookEvent.model_validate(body).type is JobEvent.COMPLETED_WITH_ERRORS
    assert "/output/" in body["data"]["job"]["items"][0]["output"]["text"]["url"]


@pytest.mark.parametrize(("items", "shown"), [(MAX_ITEMS, True), (MAX_ITEMS + 1, False)])
async def test_a_job_of_many_items_is_told_by_its_address_alone(post: Posting, items: int, *, shown: bool) -> None:
    job_id = await post.ended_job(*[DONE] * items)
    [body] = await told(post, job_id)
    assert (body["data"]["job"] is not None) == shown
    assert body["data"]["url"].endswith(f"/v1/jobs/{job_id}")


async def test_an_event_that_would_be_long_is_the_address_alone(post: Posting) -> None:
    labels = {"€" * 120 + str(n): "€" * 256 for n in range(16)}
    short, long = await post.ended_job(DONE, labels=labels), await post.ended_job(*[DONE] * 20, labels=labels)
    rows = await post.api.rows(sa.select(tables.outbox.c.body).order_by(tables.outbox.c.seq))
    assert all(len(row.body.encode()) <= MAX_BODY_BYTES for row in rows)
    assert (await told(post, short))[0]["data"]["job"]["labels"] == labels
    assert (await told(post, long))[0]["data"]["job"] is None


async def test_a_job_without_a_webhook_writes_nothing(post: Posting) -> None:
    job = await post.api.post_job(1)
    await post.api.end_items(job["id"], ends_of(job["id"], [DONE]))
    assert await post.api.count(tables.outbox) == await post.api.count(tables.webhook_targets) == 0


async def test_a_change_that_is_undone_was_never_told(post: Posting) -> None:
    job = await post.api.post_job(1, webhook=post.receiver.url())
    [task] = await post.api.rows(sa.select(tables.tasks.c.id))

    def end_and_break(connection: sa.Connection) -> None:
        connection.execute(tables.tasks.update().values(status="ACTIVE"))
        ends = ends_of(job["id"], [DONE])
        assert commit_items(connection, post.api.services.announce, task.id, 0, ends, post.api.clock.now_ms())
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.outbox)).scalar() == 1
        raise KeyError

    with pytest.raises(KeyError):
        await post.api.services.store.write(end_and_break)
    assert await post.api.count(tables.outbox) == 0
    await post.deliver()
    assert post.receiver.got == []


async def test_an_address_without_work_leaves_no_row(post: Posting) -> None:
    await post.ended_job()
    assert await post.api.count(tables.webhook_targets) == 1
    await post.deliver()
    assert await post.api.count(tables.webhook_targets) == 0


async def test_a_deleted_job_is_told_no_more(post: Posting) -> None:
    post.receiver.say(500)
    job_id = await post.ended_job()
    await post.deliver()
    assert (await post.api.client.delete(f"/v1/jobs/{job_id}")).status_code == 204
    assert await post.api.count(tables.outbox) == await post.api.count(tables.deliveries) == 0
    await post.deliver(after_s=3600)
    assert len(post.receiver.got) == 1
    assert await post.api.count(tables.webhook_targets) == 0
