"""Delivering to receivers of every kind: what arrives, how often, and what the log says."""

import asyncio
import json
from email.utils import format_datetime
from itertools import pairwise

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from orchestrator.store import tables
from orchestrator.webhooks.schedule import DELAYS_S, JITTER
from shared.clock import to_datetime
from shared.wire.status import Status
from shared.wire.webhook import EventState
from tests.orchestrator.metrics.scraping import scrape
from tests.orchestrator.webhooks.posting import Posting
from tests.orchestrator.webhooks.receiver import DROP, HANG, RESET, Answer
from tests.waiting import until

HOUR_S = 3600


async def test_an_event_arrives_once_signed_and_is_marked(post: Posting) -> None:
    job_id = await post.ended_job()
    await post.deliver()
    [got] = post.receiver.got
    event = got.verified(await post.secret())
    assert (event["type"], event["data"]["job"]["id"]) == ("job.completed", job_id)
    assert got.headers["content-type"] == "application/json"
    delivery = await post.only_delivery(job_id)
    assert (delivery["id"], delivery["state"], delivery["next_try_at"]) == (got.id, "DELIVERED", None)
    assert [(made["http_status"], made["error"]) for made in delivery["tries"]] == [(204, None)]
    await post.deliver(after_s=100 * HOUR_S)
    assert len(post.receiver.got) == 1


@pytest.mark.parametrize(
    ("answer", "http_status", "error"),
    [
        (500, 500, None),
        (404, 404, None),
        (web.Response(status=302, headers={"location": "/elsewhere"}), 302, "redirects are not followed"),
        (web.Response(status=307, headers={"location": "/elsewhere"}), 307, "redirects are not followed"),
        (RESET, 200, "the connection broke off before the answer was complete"),
        (DROP, None, "the connection broke off before the answer was complete"),
    ],
    ids=str,
)
async def test_what_is_not_a_whole_2xx_is_tried_again_with_the_same_id_and_bytes(
    post: Posting, answer: Answer, http_status: int | None, error: str | None
) -> None:
    await fails_twice_then_arrives(post, answer, http_status, error)


async def test_a_receiver_that_hangs_is_given_up_and_tried_again(impatient: Posting) -> None:
    await fails_twice_then_arrives(impatient, HANG, None, "no answer within 0.5 s")


async def fails_twice_then_arrives(post: Posting, answer: Answer, http_status: int | None, error: str | None) -> None:
    """Deliver an event to a receiver that answers so at first; judge the tries and the log."""
    post.receiver.say(answer, answer, 200)
    job_id = await post.ended_job()
    await post.deliver()
    delivery = await post.only_delivery(job_id)
    assert (delivery["state"], len(delivery["tries"])) == ("WAITING", 1)
    assert (delivery["tries"][0]["http_status"], delivery["tries"][0]["error"]) == (http_status, error)
    await post.deliver(after_s=6)
    await post.deliver(after_s=331)
    delivery = await post.only_delivery(job_id)
    assert (delivery["state"], len(delivery["tries"])) == ("DELIVERED", 3)
    assert [got.path for got in post.receiver.got] == ["/hook"] * 3
    assert len({(got.id, got.body) for got in post.receiver.got}) == 1
    timestamps = [int(got.headers["webhook-timestamp"]) for got in post.receiver.got]
    assert [later - earlier for earlier, later in pairwise(timestamps)] == [6, 331]
    secret = await post.secret()
    assert all(got.signed_by(secret) for got in post.receiver.got)
    assert (await post.api.client.get(f"/v1/jobs/{job_id}")).json()["status"] == "COMPLETED"


async def test_a_receiver_that_was_down_for_six_hours_gets_the_event_within_one_step(post: Posting) -> None:
    post.receiver.say(503)
    job_id = await post.ended_job()
    await post.deliver()
    for _ in range(6 * 12):
        await post.deliver(after_s=300)
    tries_before = len(post.receiver.got)
    assert tries_before == 5  # about at 0, 5 s, 5 min, 35 min, 2 h 35 min
    post.receiver.say(200)
    waited_s = 0
    while (await post.only_delivery(job_id))["state"] == "WAITING":
        await post.deliver(after_s=300)
        waited_s += 300
        assert waited_s <= DELAYS_S[5] * (1 + JITTER)
    assert len(post.receiver.got) == tries_before + 1
    assert len({(got.id, got.body) for got in post.receiver.got}) == 1


async def test_nothing_is_tried_before_its_time_and_after_ten_tries_nothing_at_all(post: Posting) -> None:
    post.receiver.say(500)
    job_id = await post.ended_job()
    await post.deliver()
    for tries, delay_s in enumerate(DELAYS_S[1:], start=1):
        await post.deliver(after_s=delay_s - 1)
        assert len(post.receiver.got) == tries
        await post.deliver(after_s=1 + delay_s * JITTER)
        assert len(post.receiver.got) == tries + 1
    assert (await post.only_delivery(job_id))["state"] == "FAILED"
    await post.deliver(after_s=1000 * HOUR_S)
    assert len(post.receiver.got) == 10


async def test_retry_after_puts_off_a_try_and_everything_else_for_that_address(post: Posting) -> None:
    post.receiver.say(web.Response(status=429, headers={"retry-after": "90"}), 200)
    await post.ended_job()
    await post.deliver()
    await post.ended_job()
    await post.deliver(after_s=80)
    assert len(post.receiver.got) == 1
    await post.deliver(after_s=11)
    assert await post.states() == ["DELIVERED", "DELIVERED"]


@pytest.mark.parametrize("asked", ["999999999999", "date"])
async def test_retry_after_is_not_obeyed_for_longer_than_an_hour(post: Posting, asked: str) -> None:
    if asked == "date":
        asked = format_datetime(to_datetime(post.api.clock.now_ms() + 9 * HOUR_S * 1000), usegmt=True)
    post.receiver.say(web.Response(status=503, headers={"retry-after": asked}), 200)
    await post.ended_job()
    await post.deliver()
    await post.deliver(after_s=HOUR_S - 1)
    assert len(post.receiver.got) == 1
    await post.deliver(after_s=2)
    assert await post.states() == ["DELIVERED"]


async def test_gone_disables_the_address_and_spares_it_what_waits_and_what_comes(post: Posting) -> None:
    post.receiver.say(500, 410)
    jobs = [await post.ended_job()]
    await post.deliver()
    jobs.append(await post.ended_job())
    other = await post.ended_job(path="/other")
    await post.deliver(after_s=6)
    await post.ended_job()
    await post.deliver(after_s=100 * HOUR_S)
    assert await post.states() == ["DISABLED", "DISABLED", "DELIVERED", "DISABLED"]
    assert len(post.receiver.at("/hook")) == 2
    assert (await post.only_delivery(other))["state"] == "DELIVERED"
    tries = [made["http_status"] for job_id in jobs for made in (await post.only_delivery(job_id))["tries"]]
    assert tries == [500, 410]
    seen = (await post.api.client.get("/v1/webhooks")).json()
    assert [address["url"] for address in seen["disabled"]] == [post.receiver.url()]


async def test_a_try_whose_event_was_deleted_meanwhile_tells_of_no_address(post: Posting) -> None:
    gate = post.receiver.gates["/hook"] = asyncio.Event()
    job_id = await post.ended_job()
    await post.tick()
    await until(lambda: post.receiver.got)
    assert (await post.api.client.delete(f"/v1/jobs/{job_id}")).status_code == 204
    with capture_logs() as logged:
        gate.set()
        await post.landed()
    assert [entry["event"] for entry in logged if entry["event"].startswith("webhook.")] == []
    async with post.api.as_tenant("operator", scopes=["admin"]) as admin:
        told = await scrape(admin)
    counted = [sample.value for sample in told["revela_webhook_tries"].samples if sample.name.endswith("_total")]
    assert (len(counted), sum(counted)) == (len(EventState), 0)
    assert await post.api.count(tables.webhook_targets) == 0


async def test_another_tenants_same_address_is_not_disabled_with_it(post: Posting) -> None:
    post.receiver.say(410, 200)
    await post.ended_job()
    await post.deliver()
    async with post.api.as_tenant("other") as client:
        body = {"operation": "echo", "items": [{"id": "a"}], "webhook": post.receiver.url()}
        job_id = (await client.post("/v1/jobs", json=body)).json()["id"]
        assert (await client.post(f"/v1/jobs/{job_id}/cancel")).status_code == 200
        await post.deliver()
        [delivery] = (await client.get(f"/v1/jobs/{job_id}/deliveries")).json()["deliveries"]
        assert (delivery["type"], delivery["state"]) == ("job.cancelled", "DELIVERED")
        assert (await client.get("/v1/webhooks")).json()["disabled"] == []
    assert post.receiver.got[-1].verified(await post.secret("other"))


async def test_the_answers_beginning_is_kept_and_no_more(post: Posting) -> None:
    post.receiver.say(web.Response(status=400, body=b"\0why: " + b"x" * (1 << 20)))
    job_id = await post.ended_job()
    await post.deliver()
    [made] = (await post.only_delivery(job_id))["tries"]
    assert made["response"] == "�why: " + "x" * (1024 - 6)


async def test_a_delivery_holds_and_changes_no_job(post: Posting) -> None:
    gate = post.receiver.gates["/hook"] = asyncio.Event()
    post.receiver.say(500)
    job_id = await post.ended_job(Status.COMPLETED, Status.FAILED)
    await post.tick()
    job = (await post.api.client.get(f"/v1/jobs/{job_id}")).json()
    assert job["status"] == "COMPLETED_WITH_ERRORS"
    gate.set()
    await post.landed()
    assert (await post.api.client.get(f"/v1/jobs/{job_id}")).json() == job
    assert json.loads(post.receiver.got[0].body)["type"] == "job.completed_with_errors"
