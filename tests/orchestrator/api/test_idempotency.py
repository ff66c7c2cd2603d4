"""Idempotency-Key on submit: one key and body, one job."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from orchestrator.store import tables
from tests.orchestrator.api.running import IMAGE, Api, eventually

BODY = {"operation": "echo", "items": [{"id": "a", "text": "x"}]}


async def post(api: Api, key: str, body: Any = None, path: str = "/v1/jobs") -> httpx.Response:
    return await api.client.post(path, json=BODY if body is None else body, headers={"Idempotency-Key": key})


async def test_the_same_key_and_body_give_the_same_job(api: Api) -> None:
    first = await post(api, "order-17")
    again = await post(api, '"order-17"', {"items": [{"text": "x", "id": "a"}], "operation": "echo"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert await api.count(tables.jobs) == 1


async def test_the_same_key_with_another_body_is_refused(api: Api) -> None:
    await post(api, "k")
    answer = await post(api, "k", {**BODY, "priority": "low"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-reused")


async def test_the_same_key_at_another_address_is_refused(api: Api) -> None:
    await post(api, "k")
    answer = await post(api, "k", {"images": [{"id": "a", "image_url": IMAGE}]}, "/video/img2vid")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-reused")


async def test_a_key_counts_for_its_tenant_alone(api: Api) -> None:
    mine = await post(api, "k")
    async with api.as_tenant("other") as other:
        theirs = await other.post("/v1/jobs", json=BODY, headers={"Idempotency-Key": "k"})
    assert theirs.status_code == 202
    assert theirs.json()["id"] != mine.json()["id"]


async def test_a_job_that_was_taken_is_answered_with_though_it_would_be_refused_today(api: Api) -> None:
    body = {"operation": "img2vid", "input": {"image": IMAGE}}
    first = await post(api, "k", body)
    narrowed = tables.tenants.update().values(source_hosts=["only.example"])
    await api.services.store.write(lambda c: c.execute(narrowed))
    api.clock.advance(11)  # as long a key is believed without asking
    assert (await post(api, "other", body)).status_code == 422
    again = await post(api, "k", body)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])


async def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    assert (await post(api, "k", {"operation": "nothing", "input": {}})).status_code == 422
    assert (await post(api, "k")).status_code == 202


async def test_a_key_is_kept_as_long_as_its_job(api: Api) -> None:
    first = (await post(api, "k")).json()
    await api.client.post(f"/v1/jobs/{first['id']}/cancel")
    assert (await post(api, "k")).json()["id"] == first["id"]
    await api.client.delete(f"/v1/jobs/{first['id']}")
    assert (await post(api, "k")).json()["id"] != first["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "ünïcode", '"un"quoted"x"' + "y" * 250])
async def test_a_malformed_key_is_refused(api: Api, key: str) -> None:
    answer = await api.client.post("/v1/jobs", json=BODY, headers=[(b"idempotency-key", key.encode())])
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-invalid")
    assert await api.count(tables.jobs) == 0


async def test_a_request_whose_first_is_still_being_stored_is_told_to_wait(api: Api) -> None:
    holding, release = asyncio.Event(), False
    loop = asyncio.get_running_loop()

    def hold(_: Any) -> None:
        loop.call_soon_threadsafe(holding.set)
        while not release:
            time.sleep(0.01)

    held = asyncio.create_task(api.services.store.write(hold))
    await holding.wait()
    first = asyncio.create_task(post(api, "k"))
    try:
        await eventually(lambda: _value(len(api.services.submits_in_flight)), 1)
        second = await post(api, "k")
    finally:
        release = True
    await held
    assert (second.status_code, second.json()["code"]) == (409, "idempotency-in-progress")
    assert second.headers["retry-after"] == "1"
    assert (await first).status_code == 202
    assert (await post(api, "k")).headers["idempotent-replayed"] == "true"


async def test_fifty_at_once_make_one_job(api: Api) -> None:
    answers = await asyncio.gather(*(post(api, "k") for _ in range(50)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    assert await api.count(tables.jobs) == 1


async def _value(number: int) -> int:
    return number
