"""How many items a tenant may have open at once."""

import asyncio
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

from orchestrator.store import tables
from tests.orchestrator.api.running import Api, completed, running_api


async def open_items(api: Api, tenant: str = "acme") -> int:
    [(count,)] = await api.rows(sa.select(tables.tenants.c.open_items).where(tables.tenants.c.tenant == tenant))
    return int(count)


def echoes(count: int) -> dict[str, object]:
    return {"operation": "echo", "items": [{"id": f"i{n}"} for n in range(count)]}


async def test_a_job_that_would_pass_the_cap_is_refused_and_leaves_nothing(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, max_queued_items=10) as api:
        await api.post_job(items=7)
        refused = await api.client.post("/v1/jobs", json=echoes(4))
        told = refused.json()
        assert (refused.status_code, told["code"]) == (429, "queue-full")
        assert int(refused.headers["retry-after"]) > 0
        assert told["detail"] == "7 items are waiting or running, and 4 more would pass this server's 10."
        counts = [await api.count(table) for table in (tables.jobs, tables.items, tables.tasks)]
        assert (await open_items(api), counts[:2]) == (7, [1, 7])
        await api.post_job(items=3)
        assert await open_items(api) == 10


async def test_a_race_of_fifty_can_not_pass_the_cap(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, max_queued_items=60) as api:
        answers = await asyncio.gather(*(api.client.post("/v1/jobs", json=echoes(3)) for _ in range(50)))
        assert Counter(answer.status_code for answer in answers) == {202: 20, 429: 30}
        assert (await open_items(api), await api.count(tables.items)) == (60, 60)


async def test_room_comes_back_as_items_end(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, max_queued_items=2) as api:
        job = await api.post_job(items=2)
        assert (await api.client.post("/v1/jobs", json=echoes(1))).status_code == 429
        await api.end_items(job["id"], [completed(0, "i0", "text", "k")])
        assert await open_items(api) == 1
        assert (await api.client.post("/v1/jobs", json=echoes(1))).status_code == 202


async def test_one_tenants_full_queue_is_nobody_elses(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, max_queued_items=1) as api, api.as_tenant("other") as other:
        await api.post_job(items=1)
        answers = [await client.post("/v1/jobs", json=echoes(1)) for client in (api.client, other)]
    assert [answer.status_code for answer in answers] == [429, 202]


async def test_a_repeated_submit_is_replayed_even_when_there_is_no_room(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, max_queued_items=1) as api:
        headers = {"idempotency-key": "once"}
        answers = [await api.client.post("/v1/jobs", json=echoes(1), headers=headers) for _ in range(2)]
        other = await api.client.post("/v1/jobs", json=echoes(1), headers={"idempotency-key": "twice"})
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert other.status_code == 429


async def test_the_earlier_systems_route_has_the_same_cap(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, max_queued_items=1, compat_wait_s=0) as api:
        await api.post_job(items=1)
        body = {"images": [{"id": "a", "image_url": "https://example.com/a.jpg"}]}
        refused = await api.client.post("/video/img2vid", json=body)
    assert (refused.status_code, refused.json()["code"]) == (429, "queue-full")


async def test_a_cancel_gives_the_room_back(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, max_queued_items=2) as api:
        job = await api.post_job(items=2)
        assert (await api.client.post(f"/v1/jobs/{job['id']}/cancel")).status_code == 200
        assert await open_items(api) == 0


async def test_a_job_that_alone_is_too_large_is_not_told_to_come_again(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, max_queued_items=2) as api:
        body = {"operation": "echo", "items": [{"id": f"i{n}"} for n in range(3)]}
        answer = await api.client.post("/v1/jobs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed")
    assert "retry-after" not in answer.headers
