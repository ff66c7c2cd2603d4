"""The numbers at ``/metrics``, against what was done."""

import asyncio
import re

import httpx
import pytest

from orchestrator.api import metrics
from orchestrator.jobs.settle import ItemEnd
from orchestrator.store import tables
from shared.errors import SourceNotFound
from shared.wire.problem import ErrorInfo
from shared.wire.status import Status
from tests.orchestrator.api.running import Api, completed
from tests.orchestrator.metrics.scraping import scrape, value
from tests.orchestrator.relay.ticking import Ticking
from tests.orchestrator.webhooks.posting import Posting

LOST = ItemEnd(1, "i1", Status.FAILED, ErrorInfo.of(SourceNotFound()))


async def test_metrics_are_for_operators(api: Api) -> None:
    refused = await api.client.get("/metrics")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await httpx.AsyncClient(base_url=api.url).get("/metrics")).status_code == 401


async def test_jobs_and_items_are_counted_once_each(api: Api, admin: httpx.AsyncClient) -> None:
    ended = str((await api.post_job(2))["id"])
    await api.end_items(ended, [completed(0, "i0", "text", f"acme/{ended}/0-1/0/echo.txt"), LOST])
    await api.post_job(3)
    api.clock.advance(40)
    for _ in range(2):
        told = await scrape(admin)
        assert value(told, "revela_jobs_submitted_total", operation="echo") == 2
        assert value(told, "revela_jobs_ended_total", operation="echo", status="COMPLETED_WITH_ERRORS") == 1
        assert value(told, "revela_items_ended_total", operation="echo", status="COMPLETED") == 1
        assert value(told, "revela_items_ended_total", operation="echo", status="FAILED") == 1
        assert value(told, "revela_jobs", operation="echo", status="IN_QUEUE") == 1
        assert value(told, "revela_items_waiting") == 3
        assert value(told, "revela_task_oldest_waiting_seconds") == 40


async def test_a_write_that_was_undone_is_not_counted(api: Api, admin: httpx.AsyncClient) -> None:
    body = {"operation": "echo", "items": [{"id": "a", "text": "x"}, {"id": "a", "text": "x"}]}
    assert (await api.client.post("/v1/jobs", json=body)).status_code == 422
    assert value(await scrape(admin), "revela_jobs_submitted_total", operation="echo") == 0


async def test_an_attempt_is_followed_from_the_queue_to_its_end(ticking: Ticking) -> None:
    async with ticking.api.as_tenant("operator", scopes=["admin"]) as admin:
        await scrape(admin)
        await ticking.api.post_job(2)
        assert value(await scrape(admin), "revela_tasks_waiting") == 1
        ticking.api.clock.advance(7)
        await ticking.dispatch()
        told = await scrape(admin)
        assert value(told, "revela_tasks_waiting") == 0
        assert value(told, "revela_attempts_in_flight", state="SUBMITTED") == 1
        ticking.only_task.status = "IN_PROGRESS"
        await ticking.follow()
        assert value(await scrape(admin), "revela_attempts_in_flight", state="RUNNING") == 1
        await ticking.close_with(await ticking.commit(0), await ticking.commit(1), execution_ms=3000)
        ticking.only_task.status = "COMPLETED"
        await ticking.follow(2)
        told = await scrape(admin)
        assert value(told, "revela_attempts_in_flight", state="RUNNING") == 0
        assert value(told, "revela_attempts_ended_total", outcome="COMPLETED") == 1
        assert value(told, "revela_attempts_ended_total", outcome="LOST") == 0
        # The endpoint said that it waited 3 ms and ran 7 ms; two looks of 2 s lie behind it.
        assert value(told, "revela_relay_lag_seconds_sum") == pytest.approx(3.99)
        assert value(told, "revela_job_delay_seconds_sum", operation="echo") == pytest.approx(9)
        assert value(told, "revela_job_execution_seconds_sum", operation="echo") == 3


async def test_cost_is_counted_when_a_job_has_ended(ticking: Ticking) -> None:
    async with ticking.api.as_tenant("operator", scopes=["admin"]) as admin:
        await scrape(admin)
        await ticking.submitted()
        await ticking.services.store.write(lambda c: c.execute(tables.attempts.update().values(price_per_s=0.25)))
        await ticking.close_with(await ticking.commit(0), await ticking.commit(1), execution_ms=2000)
        ticking.only_task.status = "COMPLETED"
        await ticking.follow(2)
        assert value(await scrape(admin), "revela_cost_total", operation="echo", currency="USD") == pytest.approx(0.5)


async def test_webhooks_are_counted_by_what_became_of_each_try(post: Posting) -> None:
    async with post.api.as_tenant("operator", scopes=["admin"]) as admin:
        post.receiver.answers["/hook"].extend([500, 204])
        await post.ended_job()
        post.api.clock.advance(30)
        told = await scrape(admin)
        assert value(told, "revela_webhook_events_waiting") == 1
        assert value(told, "revela_webhook_oldest_waiting_seconds") == 30
        await post.deliver()
        await post.deliver(after_s=600)
        told = await scrape(admin)
        assert value(told, "revela_webhook_tries_total", outcome="failed") == 1
        assert value(told, "revela_webhook_tries_total", outcome="delivered") == 1
        assert value(told, "revela_webhook_events_waiting") == 0
        assert value(told, "revela_webhook_oldest_waiting_seconds") == 0


async def test_requests_are_counted_by_template_whatever_is_asked_for(api: Api, admin: httpx.AsyncClient) -> None:
    job_id = str((await api.post_job())["id"])
    for path in (f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id[:-1]}0", *(f"/nothing/{n}" for n in range(20))):
        await api.client.get(path)
    await api.client.request("BREW", "/v1/jobs")
    told = await scrape(admin)
    counted = value(told, "revela_http_requests_total", method="GET", route="/v1/jobs/{job_id}", status="200")
    assert counted == 1
    assert value(told, "revela_http_requests_total", method="GET", route="other", status="404") == 20
    assert value(told, "revela_http_request_duration_seconds_count", method="GET", route="/v1/jobs/{job_id}") == 2
    labels = {sample.labels["method"] for sample in told["revela_http_requests"].samples}
    assert "BREW" not in labels
    assert not any(job_id in str(sample.labels) for family in told.values() for sample in family.samples)


async def test_parts_that_are_away_are_told_as_such(api: Api, admin: httpx.AsyncClient) -> None:
    told = await scrape(admin)
    assert (value(told, "revela_endpoint_up"), value(told, "revela_endpoint_workers", state="idle")) == (1, 1)
    api.runpod.faults["health"] = [401] * 20
    await api.services.store.write(lambda c: tables.outbox.drop(c, checkfirst=False))
    told = await scrape(admin)
    assert (value(told, "revela_endpoint_up"), value(told, "revela_store_up")) == (0, 0)
    assert told["revela_endpoint_workers"].samples == told["revela_jobs"].samples == []


async def test_a_crowd_of_scrapers_costs_one_look(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "KEPT_S", 60)
    async with api.as_tenant("operator", scopes=["admin"]) as client:
        answers = await asyncio.gather(*(client.get("/metrics") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert api.runpod.calls["health"] == 1


async def test_open_metrics_are_to_be_had(api: Api, admin: httpx.AsyncClient) -> None:
    answer = await admin.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert not re.search(r"_created[ {]", answer.text)
