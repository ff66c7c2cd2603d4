"""The webhooks' routes: what may be asked for, by whom, and sending an event once more."""

from typing import Any

import pytest

from shared.wire.status import Status
from tests.orchestrator.api.running import Api
from tests.orchestrator.webhooks.posting import Posting


async def refused(api: Api, **fields: Any) -> list[str]:
    """Hand in a job that is refused; return the pointers at fault."""
    answer = await api.client.post("/v1/jobs", json={"operation": "echo", "input": {}, **fields})
    assert answer.status_code == 422, answer.text
    return [fault["pointer"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/hook",
        "https://127.0.0.1/hook",
        "https://10.1.2.3/hook",
        "https://[::1]/hook",
        "https://[::ffff:169.254.169.254]/hook",
        "https://2130706433/hook",
        "https://localhost/hook",
        "https://user:password@example.com/hook",
        "https://example.com:8443/hook",
        "ftp://example.com/hook",
        "example.com/hook",
        "https://exa mple.com/hook",
        "",
        "https://example.com/" + "a" * 2048,
    ],
)
async def test_an_address_that_could_never_be_sent_to_is_refused(api: Api, address: str) -> None:
    assert await refused(api, webhook=address) == ["/webhook"]


@pytest.mark.parametrize(
    "events", [[], ["job.progress"], "job.completed", ["job.completed", 1]], ids=["none", "unknown", "text", "number"]
)
async def test_events_that_there_are_not_are_refused(api: Api, events: Any) -> None:
    [pointer] = await refused(api, webhook="https://example.com/hook", webhook_events=events)
    assert pointer.startswith("/webhook_events")


async def test_events_without_a_webhook_are_refused(api: Api) -> None:
    assert await refused(api, webhook_events=["job.completed"]) == ["/webhook_events"]


async def test_plain_http_is_taken_where_the_operator_has_opened_it_and_nowhere_else(post: Posting) -> None:
    assert (await post.api.post_job(webhook=post.receiver.url()))["id"]
    assert await refused(post.api, webhook="http://127.0.0.1:1/hook") == ["/webhook"]
    assert await refused(post.api, webhook="http://example.com/hook") == ["/webhook"]


async def test_an_event_is_sent_once_more_with_the_same_id_and_bytes(post: Posting) -> None:
    job_id = await post.ended_job()
    await post.deliver()
    event_id = post.receiver.got[0].id
    answer = await post.api.client.post(f"/v1/deliveries/{event_id}/redeliver")
    assert (answer.status_code, answer.json()["state"]) == (202, "WAITING")
    await post.deliver()
    first, second = post.receiver.got
    assert (first.id, first.body) == (second.id, second.body)
    delivery = await post.only_delivery(job_id)
    assert (delivery["state"], len(delivery["tries"])) == ("DELIVERED", 2)


async def test_a_redelivery_has_a_whole_schedule_before_it(post: Posting) -> None:
    post.receiver.say(500)
    job_id = await post.ended_job()
    await post.deliver()
    for _ in range(9):
        await post.deliver(after_s=100_000)
    assert (await post.only_delivery(job_id))["state"] == "FAILED"
    await post.api.client.post(f"/v1/deliveries/{post.receiver.got[0].id}/redeliver")
    await post.deliver()
    await post.deliver(after_s=6)
    delivery = await post.only_delivery(job_id)
    assert (delivery["state"], len(delivery["tries"])) == ("WAITING", len(post.receiver.got))
    post.receiver.say(200)
    await post.deliver(after_s=331)
    assert (await post.only_delivery(job_id))["state"] == "DELIVERED"


async def test_a_redelivery_that_succeeds_enables_a_disabled_address(post: Posting) -> None:
    post.receiver.say(410, 410, 200)
    await post.ended_job()
    await post.deliver()
    event_id = post.receiver.got[0].id
    for expected in ("DISABLED", "DELIVERED"):
        await post.ended_job()
        await post.api.client.post(f"/v1/deliveries/{event_id}/redeliver")
        await post.deliver()
        assert (await post.states())[0] == expected
    await post.ended_job()
    await post.deliver()
    assert await post.states() == ["DELIVERED", "DISABLED", "DISABLED", "DELIVERED"]
    assert (await post.api.client.get("/v1/webhooks")).json()["disabled"] == []


async def test_a_failing_address_is_shown_until_it_has_taken_something(post: Posting) -> None:
    post.receiver.say(500, 500, 200)
    await post.ended_job()
    await post.deliver()
    await post.deliver(after_s=6)
    [failing] = (await post.api.client.get("/v1/webhooks")).json()["failing"]
    assert (failing["url"], failing["failures"]) == (post.receiver.url(), 2)
    assert failing["next_try_at"] > failing["failing_since"]
    await post.deliver(after_s=331)
    assert (await post.api.client.get("/v1/webhooks")).json()["failing"] == []


async def test_another_tenant_sees_and_sends_nothing(post: Posting) -> None:
    job_id = await post.ended_job()
    await post.deliver()
    event_id = post.receiver.got[0].id
    async with post.api.as_tenant("other") as stranger:
        asked = [
            ("GET", f"/v1/jobs/{job_id}/deliveries", "/v1/jobs/job_01K9ZV6Q0S8M7D3X5B2C4F6G8H/deliveries"),
            ("POST", f"/v1/deliveries/{event_id}/redeliver", "/v1/deliveries/evt_01K9ZV6Q0S8M7D3X5B2C4F6G8H/redeliver"),
            ("POST", "/v1/deliveries/..%2f/redeliver", "/v1/deliveries/x/redeliver"),
        ]
        for method, *paths in asked:
            answers = [await stranger.request(method, path) for path in paths]
            told = [{**answer.json(), "request_id": None} for answer in answers]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert told[0] == told[1]
    await post.deliver()
    assert len(post.receiver.got) == 1


async def test_a_reading_key_may_look_and_not_send(post: Posting) -> None:
    job_id = await post.ended_job()
    await post.deliver()
    async with post.api.as_tenant("acme", ["jobs:read"]) as reader:
        assert (await reader.get(f"/v1/jobs/{job_id}/deliveries")).status_code == 200
        assert (await reader.get("/v1/webhooks")).status_code == 200
        sent = await reader.post(f"/v1/deliveries/{post.receiver.got[0].id}/redeliver")
        assert (sent.status_code, sent.json()["code"]) == (403, "forbidden")


async def test_a_retried_job_keeps_its_webhook(post: Posting) -> None:
    job_id = await post.ended_job(Status.COMPLETED, Status.FAILED, webhook_events=["job.cancelled"])
    again = (await post.api.client.post(f"/v1/jobs/{job_id}/retry")).json()["id"]
    await post.api.client.post(f"/v1/jobs/{again}/cancel")
    await post.deliver()
    assert [got.verified(await post.secret())["data"]["job"]["retry_of"] for got in post.receiver.got] == [job_id]
