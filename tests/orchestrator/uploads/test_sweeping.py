"""Uploads end with their time, and leave nothing behind."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from orchestrator.retention import uploads as ended
from orchestrator.store import tables
from orchestrator.store.uploading.sweeping import begin_removals
from shared.errors import StorageUnavailable
from tests.orchestrator.api.running import Api, running_api
from tests.orchestrator.uploads.uploading import (
    JPEG,
    MIB,
    Json,
    begin,
    complete,
    put,
    read,
    replace_file,
    sha256,
    uploaded,
)

DAY_S = 86_400
HOUR_S = 3600


async def sweep(api: Api) -> None:
    await ended.tick(api.services, api.clock.now_ms())


def files(api: Api) -> int:
    return sum(path.is_file() for path in (api.folder / "outputs").rglob("*"))


async def test_an_upload_that_nobody_completes_expires_with_what_was_sent(api: Api) -> None:
    begun = await begin(api.client)
    await put(api, begun, JPEG)
    api.clock.advance(DAY_S - 1)
    await sweep(api)
    assert ((await read(api, begun))["state"], files(api)) == ("waiting", 1)
    api.clock.advance(1)
    await sweep(api)
    assert ((await read(api, begun))["state"], files(api)) == ("expired", 0)


async def test_parts_that_nobody_completes_are_dropped(api: Api) -> None:
    body = b"\0\0\0\x18ftypmp42" + bytes(40 * MIB)
    begun = await begin(api.client, body, content_type="video/mp4")
    await put(api, begun["parts"][0], body[: 16 * MIB])
    assert files(api) == 2
    api.clock.advance(DAY_S)
    await sweep(api)
    assert files(api) == 0


@pytest.mark.parametrize("error", [StorageUnavailable, ZeroDivisionError])
async def test_a_removal_that_fails_holds_up_no_other(api: Api, error: type[Exception]) -> None:
    for body in (JPEG, JPEG + b"2"):
        await put(api, await begin(api.client, body), body)
    storage = api.services.storage

    class Failing:
        failed = False

        async def delete(self, key: str) -> None:
            if not self.failed:
                self.failed = True
                raise error
            await storage.delete(key)

    failing: Any = Failing()
    api.clock.advance(DAY_S)
    await ended.tick(replace(api.services, storage=failing), api.clock.now_ms())
    assert files(api) == 1
    await sweep(api)
    assert files(api) == 1
    api.clock.advance(60)
    await sweep(api)
    assert files(api) == 0


async def test_a_completed_upload_is_kept_for_a_week_and_forgotten_after_another(api: Api) -> None:
    completed = await uploaded(api)
    api.clock.advance(7 * DAY_S - 1)
    await sweep(api)
    assert files(api) == 1
    api.clock.advance(1)
    await sweep(api)
    assert ((await read(api, completed))["state"], files(api)) == ("expired", 0)
    api.clock.advance(7 * DAY_S)
    await sweep(api)
    assert (await api.client.get(f"/v1/uploads/{completed['id']}")).status_code == 404


async def test_what_is_sent_after_a_deletion_is_removed_as_well(api: Api) -> None:
    begun = await begin(api.client)
    await api.client.delete(f"/v1/uploads/{begun['id']}")
    await sweep(api)
    replace_file(api, begun, JPEG)  # as a bucket takes it from who still sends
    api.clock.advance(DAY_S)
    await sweep(api)
    replace_file(api, begun, JPEG)  # begun before its address ended
    api.clock.advance(HOUR_S)
    await sweep(api)
    assert (files(api), await api.count(tables.uploads)) == (0, 0)


async def test_a_rejected_file_is_removed_and_the_reason_kept(api: Api) -> None:
    begun = await begin(api.client, b"%PDF-1.7 nothing of ours")
    await put(api, begun, b"%PDF-1.7 nothing of ours")
    await complete(api.client, begun)
    await sweep(api)
    assert ((await read(api, begun))["state"], files(api)) == ("rejected", 0)


async def test_a_tenant_may_have_so_many_uploads_waiting(tmp_path: object, database: object) -> None:
    async with running_api(tmp_path, database, max_waiting_uploads=2) as api:  # type: ignore[arg-type]
        first, _ = await begin(api.client), await begin(api.client)
        refused = await post(api.client)
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-uploads")
        async with api.as_tenant("other") as other:
            assert (await post(other)).status_code == 201
        await put(api, first, JPEG)
        await complete(api.client, first)
        assert (await post(api.client)).status_code == 201


async def post(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/v1/uploads", json={"name": "a", "size_bytes": 1, "content_type": "image/png"})


async def test_a_list_has_the_newest_first_page_by_page(api: Api) -> None:
    made = []
    for n in range(3):
        api.clock.advance(1)
        made.append((await begin(api.client, name=f"{n}.jpg"))["id"])
    await api.client.delete(f"/v1/uploads/{made[0]}")
    page = (await api.client.get("/v1/uploads", params={"limit": 1})).json()
    assert [upload["id"] for upload in page["uploads"]] == [made[2]]
    rest = (await api.client.get("/v1/uploads", params={"cursor": page["next_cursor"]})).json()
    assert ([upload["id"] for upload in rest["uploads"]], rest["next_cursor"]) == ([made[1]], None)
    assert rest["uploads"][0]["url"] is None
    assert (await api.client.get("/v1/uploads", params={"state": "completed"})).json()["uploads"] == []


async def test_an_upload_that_a_job_on_legal_hold_was_made_from_stays_beyond_its_time(api: Api) -> None:
    completed = await uploaded(api)
    job_id = await ended_job_of(api, completed)
    assert await hold(api, job_id) == (200, None)
    api.clock.advance(8 * DAY_S)
    await sweep(api)
    assert ((await api.rows(sa.select(tables.uploads.c.state)))[0].state, files(api)) == ("completed", 1)
    await release(api, job_id)
    await sweep(api)
    assert files(api) == 0


async def test_a_hold_keeps_an_upload_whose_removal_is_only_ordered(api: Api) -> None:
    completed = await uploaded(api)
    job_id = await ended_job_of(api, completed)
    assert (await api.client.delete(f"/v1/uploads/{completed['id']}")).status_code == 204
    assert await hold(api, job_id) == (200, None)
    api.clock.advance(2 * DAY_S)
    await sweep(api)
    assert files(api) == 1
    await release(api, job_id)
    await sweep(api)
    assert (files(api), await api.count(tables.uploads)) == (0, 0)


async def test_a_hold_during_the_removal_is_told_to_come_again(api: Api) -> None:
    completed = await uploaded(api)
    job_id = await ended_job_of(api, completed)
    await api.client.delete(f"/v1/uploads/{completed['id']}")
    now_ms = api.clock.now_ms()
    [claimed] = await api.services.store.write(lambda c: begin_removals(c, now_ms))
    assert claimed.upload_id == completed["id"]
    assert await hold(api, job_id) == (409, "deletion-under-way")
    await sweep(api)
    assert (await hold(api, job_id), files(api)) == ((200, None), 0)


async def test_a_hold_set_after_a_crash_counts_although_the_removal_had_begun(api: Api) -> None:
    completed = await uploaded(api)
    job_id = await ended_job_of(api, completed)
    await api.client.delete(f"/v1/uploads/{completed['id']}")
    now_ms = api.clock.now_ms()
    assert await api.services.store.write(lambda c: begin_removals(c, now_ms))
    held = {"job_id": job_id, "object_key": f"acme/uploads/{completed['id'][4:]}", "tenant": "acme"}
    await api.services.store.write(lambda c: c.execute(tables.held_objects.insert(), held))
    await sweep(api)
    assert files(api) == 1


async def test_a_held_file_stays_when_the_other_upload_of_it_is_deleted(api: Api) -> None:
    first = await uploaded(api, sha256=sha256(JPEG))
    job_id = await ended_job_of(api, first)
    again = await begin(api.client, sha256=sha256(JPEG))
    assert again["state"] == "completed"
    await api.client.delete(f"/v1/uploads/{first['id']}")
    api.clock.advance(DAY_S + HOUR_S)
    await sweep(api)
    assert (files(api), await api.count(tables.uploads)) == (1, 1)
    assert await hold(api, job_id) == (200, None)
    refused = await api.client.delete(f"/v1/uploads/{again['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "legal-hold")
    await sweep(api)
    assert files(api) == 1


async def ended_job_of(api: Api, upload: Json) -> str:
    job = {"operation": "img2vid", "items": [{"id": "a", "image": f"upload://{upload['id']}"}]}
    job_id = str((await api.client.post("/v1/jobs", json=job)).json()["id"])
    await api.client.post(f"/v1/jobs/{job_id}/cancel")
    return job_id


async def hold(api: Api, job_id: str) -> tuple[int, str | None]:
    answer = await api.client.put(f"/v1/jobs/{job_id}/legal-hold", json={"reason": "Case 4711"})
    return answer.status_code, answer.json().get("code")


async def release(api: Api, job_id: str) -> None:
    async with api.as_tenant("acme", ["admin"]) as admin:
        assert (await admin.delete(f"/v1/jobs/{job_id}/legal-hold")).status_code == 200
