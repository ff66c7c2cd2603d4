"""Tenants can't see each other: every keyed route there is, walked with another tenant's ids."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from orchestrator.api.door.described import Described
from orchestrator.api.routes import described_routes
from orchestrator.keys import SCOPES
from orchestrator.store.tables import metadata, webhook_targets
from tests.orchestrator.api.running import Api, running_api

MARK = "acme-private"
"""Stands in all that acme hands in, so that it would be seen elsewhere."""

KEYED = [route for route in described_routes() if route.keyed is not None]
WITH_IDS = [route for route in KEYED if "{" in route.path]
WITHOUT_IDS = [route for route in KEYED if "{" not in route.path]


def named(route: Described) -> str:
    return f"{route.method} {route.path}"


async def acme_has(api: Api) -> dict[str, str]:
    """Give acme an ended job with an output and a webhook; return an id for each parameter that a path may have."""
    job = await api.post_job(labels={"order": MARK}, webhook=f"https://example.com/{MARK}")
    await api.finish_with_file(job["id"], b"x")
    job_id = job["id"]
    [delivery] = (await api.client.get(f"/v1/jobs/{job_id}/deliveries")).json()["deliveries"]
    await api.services.store.write(lambda c: c.execute(webhook_targets.update().values(disabled_ms=1)))
    assert MARK in (await api.client.get("/v1/webhooks")).text
    upload = await api.client.post("/v1/uploads", json={"name": MARK, "size_bytes": 3, "content_type": "image/png"})
    return {"job_id": job_id, "delivery_id": delivery["id"], "upload_id": upload.json()["id"]}


def address(route: Described, ids: dict[str, str]) -> str:
    """Return a route's address; KeyError for a parameter of which `acme_has` knows no id: add one there."""
    return re.sub(r"{(\w+)}", lambda parameter: ids[parameter[1]], route.path)


async def asked(client: httpx.AsyncClient, route: Described, path: str) -> tuple[int, Any]:
    """Return the status and, of a refusal, what it says beside the request's own id."""
    body = {} if route.body is None else {"json": route.body_example}
    async with client.stream(route.method, path, **body) as answer:
        if answer.status_code < 400:
            return answer.status_code, None
        await answer.aread()
    told = answer.json()
    del told["request_id"]
    return answer.status_code, told


async def rows_of(api: Api, tenant: str) -> dict[str, list[Any]]:
    """Return everything in the database that is a tenant's, but for its keys."""
    tables = [table for table in metadata.sorted_tables if "tenant" in table.c and table.name != "keys"]
    return {table.name: await api.rows(sa.select(table).where(table.c.tenant == tenant)) for table in tables}


@pytest.mark.parametrize("route", WITH_IDS, ids=named)
async def test_another_tenants_id_is_as_unknown_as_one_that_never_was(
    tmp_path: Path, database: Path, route: Described
) -> None:
    async with running_api(tmp_path, database) as api:
        ids = await acme_has(api)
        invented = {name: f"{real[:-6]}ZZZZZZ" for name, real in ids.items()}
        async with api.as_tenant("other", SCOPES) as other, api.as_tenant("acme", SCOPES) as owner:
            before = await rows_of(api, "acme")
            theirs = await asked(other, route, address(route, ids))
            nobodys = await asked(other, route, address(route, invented))
            assert await rows_of(api, "acme") == before
            its_own, _ = await asked(owner, route, address(route, ids))
    assert theirs == nobodys
    assert (theirs[0], theirs[1]["code"]) == (404, "not-found")
    assert its_own != 404, "the id is none of this route's, so the test shows nothing"


@pytest.mark.parametrize("route", WITHOUT_IDS, ids=named)
async def test_nothing_of_another_tenants_stands_in_any_answer(
    tmp_path: Path, database: Path, route: Described
) -> None:
    async with running_api(tmp_path, database, compat_wait_s=0) as api:
        ids = await acme_has(api)
        before = await rows_of(api, "acme")
        body = {} if route.body is None else {"json": route.body_example}
        async with api.as_tenant("other", SCOPES) as other:
            answer = await other.request(route.method, route.path, **body)
        assert await rows_of(api, "acme") == before
    assert [mark for mark in (MARK, *ids.values()) if mark in answer.text] == []


@pytest.mark.parametrize(
    "query", ["", "label=order:acme-private", "operation=echo", "status=COMPLETED", "cursor={job_id}"]
)
async def test_no_list_leads_to_another_tenants_jobs(api: Api, query: str) -> None:
    ids = await acme_has(api)
    async with api.as_tenant("other") as other:
        answer = await other.get(f"/v1/jobs?{query.format(**ids)}")
    assert (answer.status_code, answer.json()) == (200, {"jobs": [], "next_cursor": None})


async def test_another_tenants_output_is_no_input(api: Api) -> None:
    ids = await acme_has(api)
    told = []
    async with api.as_tenant("other") as other:
        for job_id in (ids["job_id"], f"{ids['job_id'][:-6]}ZZZZZZ"):
            job = {"operation": "img2vid", "input": {"image": f"output://{job_id}/i0/text"}}
            answer = await other.post("/v1/jobs", json=job)
            told.append((answer.status_code, answer.json()["errors"][0]["detail"].replace(job_id, "ID")))
    assert told == [(422, "there is no output://ID/i0/text")] * 2


async def test_the_same_idempotency_key_of_two_tenants_stands_for_two_jobs(api: Api) -> None:
    job, headers = {"operation": "echo", "input": {}}, {"idempotency-key": "one"}
    async with api.as_tenant("other") as other:
        answers = [await client.post("/v1/jobs", json=job, headers=headers) for client in (api.client, other)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert len({answer.json()["id"] for answer in answers}) == 2


@pytest.mark.parametrize("route", KEYED, ids=named)
async def test_no_route_opens_by_a_key_in_its_address(api: Api, route: Described) -> None:
    path = address(
        route,
        {
            "job_id": "job_01HZZZZZZZZZZZZZZZZZZZZZZZ",
            "delivery_id": "evt_01HZZZZZZZZZZZZZZZZZZZZZZZ",
            "upload_id": "upl_01HZZZZZZZZZZZZZZZZZZZZZZZ",
        },
    )
    names: Sequence[str] = ("key", "api_key", "apikey", "x-api-key", "X-API-Key", "access_token", "authorization")
    async with httpx.AsyncClient(base_url=api.url) as stranger:
        answer = await stranger.request(route.method, path, params=dict.fromkeys(names, api.key.key))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
