"""The numbers at ``/metrics``, against what was done."""

from collections.abc import AsyncIterator

import httpx
import pytest

from orchestrator.api import metrics
from orchestrator.jobs.settle import ItemEnd
from shared.errors import SourceNotFound
from shared.wire.problem import ErrorInfo
from shared.wire.status import Status
from tests.orchestrator.api.conftest import api, database
from tests.orchestrator.api.running import Api, completed
from tests.orchestrator.metrics.scraping import scrape, value

__all__ = ["api", "database"]


@pytest.fixture
async def admin(api: Api, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """Ask with an operator's key; each scrape looks anew."""
    monkeypatch.setattr(metrics, "KEPT_S", -1)
    async with api.as_tenant("operator", scopes=["admin"]) as client:
        await scrape(client)
        yield client


async def test_metrics_are_for_operators(api: Api, admin: httpx.AsyncClient) -> None:
    refused = await api.client.get("/metrics")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await httpx.AsyncClient(base_url=api.url).get("/metrics")).status_code == 401


async def test_jobs_and_items_are_counted_once_each(api: Api, admin: httpx.AsyncClient) -> None:
    lost = ItemEnd(1, "i1", Status.FAILED, ErrorInfo.of(SourceNotFound()))
    ended = str((await api.post_job(2))["id"])
    await api.end_items(ended, [completed(0, "i0", "text", f"acme/{ended}/0-1/0/echo.txt"), lost])
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
