"""Alive, ready, summary: what monitors and people are told, and when things fail."""

import asyncio
import shutil

import httpx
import pytest

from orchestrator.api import health
from orchestrator.store import tables
from tests.orchestrator.api.running import Api


@pytest.fixture
def stranger(api: Api) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=api.url)


async def test_a_healthy_server_is_alive_and_ready(stranger: httpx.AsyncClient) -> None:
    for path in ("/livez", "/readyz"):
        answer = await stranger.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_storage_that_can_not_be_written_makes_it_unready(api: Api, stranger: httpx.AsyncClient) -> None:
    shutil.rmtree(api.folder / "outputs")
    answer = await stranger.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage-unavailable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "retry-after" in answer.headers
    assert str(api.folder) not in answer.text
    assert (await stranger.get("/livez")).status_code == 200


async def test_a_database_without_its_tables_makes_it_unready(api: Api, stranger: httpx.AsyncClient) -> None:
    await api.services.store.write(tables.metadata.drop_all)
    answer = await stranger.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
    assert "sqlite" not in answer.text.lower()
    assert (await stranger.get("/health")).json()["database"] == "store-unavailable"


async def test_the_summary_tells_every_part(api: Api, stranger: httpx.AsyncClient) -> None:
    await api.post_job()
    told = (await stranger.get("/health")).json()
    assert told.pop("version")
    assert told.pop("workers")["idle"] == 1
    assert set(told.pop("storage_checks").values()) <= {True, False, None}
    assert told == {
        "status": "ok",
        "database": "ok",
        "storage": "ok",
        "endpoint": "ok",
        "jobs": {"IN_QUEUE": 1},
    }


async def test_an_endpoint_that_fails_degrades_the_summary_only(api: Api, stranger: httpx.AsyncClient) -> None:
    api.runpod.faults["health"] = [401] * 20
    told = await stranger.get("/health")
    assert (told.status_code, told.json()["status"]) == (200, "degraded")
    assert told.json()["endpoint"].startswith("endpoint-")
    assert told.json()["workers"] == {}
    assert (await stranger.get("/readyz")).status_code == 200


async def test_a_crowd_costs_one_look(api: Api, stranger: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SUMMARY_KEPT_S", 60)
    answers = await asyncio.gather(*(stranger.get("/health") for _ in range(30)))
    assert {answer.status_code for answer in answers} == {200}
    assert api.runpod.calls["health"] == 1


async def test_the_endpoints_own_numbers_need_a_key(api: Api, stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/runpod/health")).status_code == 401
    told = (await api.client.get("/runpod/health")).json()
    assert told["workers"]["idle"] == 1
    assert told["jobs"]["inQueue"] == 0
    api.runpod.faults["health"] = [401] * 20
    failed = await api.client.get("/runpod/health")
    assert (failed.status_code, failed.headers["content-type"]) == (503, "application/problem+json")
