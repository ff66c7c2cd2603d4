"""Uploads as inputs of jobs: case B48 of the table of bad inputs, and what goes well."""

import pytest

from orchestrator.retention import uploads as ended
from orchestrator.store import tables
from tests.orchestrator.api.running import Api
from tests.orchestrator.relay.ticking import Ticking
from tests.orchestrator.uploads.uploading import JPEG, begin, complete, put, read, replace_file, uploaded

UNKNOWN = "upl_01HZZZZZZZZZZZZZZZZZZZZZZZ"


async def refusal(api: Api, upload_id: str, *, tenant: str = "acme") -> str:
    async with api.as_tenant(tenant) as client:
        job = {"operation": "img2vid", "items": [{"id": "a", "image": f"upload://{upload_id}"}]}
        for params in ({}, {"dry_run": "true"}):
            answer = await client.post("/v1/jobs", json=job, params=params)
            assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed"), answer.text
            [fault] = answer.json()["errors"]
            assert fault["pointer"] == "/items/0/image"
    return str(fault["detail"]).replace(upload_id, "ID")


async def submit(api: Api, upload_id: str) -> str:
    job = {"operation": "img2vid", "items": [{"id": "a", "image": f"upload://{upload_id}"}]}
    answer = await api.client.post("/v1/jobs", json=job)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def job_state(api: Api, job_id: str) -> tuple[str, str | None]:
    job = (await api.client.get(f"/v1/jobs/{job_id}")).json()
    error = job["items"][0]["error"]
    return job["status"], error and error["code"]


async def test_a_job_is_told_why_it_cannot_have_an_upload(api: Api) -> None:
    assert await refusal(api, UNKNOWN) == "there is no upload://ID"
    waiting = await begin(api.client)
    assert await refusal(api, waiting["id"]) == "upload://ID still waits for its file; complete it first"
    assert await refusal(api, waiting["id"], tenant="other") == "there is no upload://ID"
    rejected = await begin(api.client, b"<html>")
    await put(api, rejected, b"<html>")
    await complete(api.client, rejected)
    assert await refusal(api, rejected["id"]) == (
        "upload://ID was rejected: The file does not look like image/jpeg; begin a new upload."
    )
    completed = await uploaded(api)
    assert await refusal(api, completed["id"], tenant="other") == "there is no upload://ID"
    api.clock.advance(7 * 86_400)
    assert await refusal(api, completed["id"]) == "upload://ID has expired; upload the file again"
    assert await refusal(api, waiting["id"]) == "upload://ID has expired; upload the file again"
    await api.client.delete(f"/v1/uploads/{completed['id']}")
    assert await refusal(api, completed["id"]) == "there is no upload://ID"


async def test_an_upload_that_is_larger_than_the_operation_takes_is_refused_at_once(api: Api) -> None:
    completed = await uploaded(api)
    large = tables.uploads.update().where(tables.uploads.c.id == completed["id"]).values(size_bytes=3 << 30)
    await api.services.store.write(lambda c: c.execute(large))
    assert await refusal(api, completed["id"]) == "upload://ID has 3 GiB; this operation takes 100 MiB at most"


async def test_the_order_holds_an_address_of_the_file(api: Api) -> None:
    completed = await uploaded(api)
    job_id = await submit(api, completed["id"])
    await Ticking(api).dispatch()
    [order] = [task.body["input"] for task in api.runpod.tasks.values()]
    grant = order["inputs"][f"upload://{completed['id']}"]
    assert grant["origin"] == "own"
    fetched = await api.client.get(grant["url"].removeprefix("https://media.example"))
    assert (fetched.content, fetched.headers["etag"]) == (JPEG, f'"{grant["etag"]}"')
    assert await job_state(api, job_id) == ("IN_QUEUE", None)


@pytest.mark.parametrize("harm", ["replaced", "removed"])
async def test_a_file_that_is_not_what_was_completed_fails_its_item(api: Api, harm: str) -> None:
    begun = await begin(api.client)
    await put(api, begun, JPEG)
    await complete(api.client, begun)
    job_id = await submit(api, begun["id"])
    if harm == "replaced":
        replace_file(api, begun, JPEG)
    else:
        (api.folder / "outputs/acme/uploads" / begun["id"][4:]).unlink()
    await Ticking(api).dispatch()
    assert await job_state(api, job_id) == ("FAILED", "input-unavailable")
    assert not api.runpod.tasks


async def test_an_upload_stays_while_a_job_needs_it_and_can_not_be_deleted(api: Api) -> None:
    completed = await uploaded(api)
    job_id = await submit(api, completed["id"])
    refused = await api.client.delete(f"/v1/uploads/{completed['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "upload-in-use")
    api.clock.advance(8 * 86_400)
    await ended.tick(api.services, api.clock.now_ms())
    assert (api.folder / "outputs/acme/uploads" / completed["id"][4:]).exists()
    await api.client.post(f"/v1/jobs/{job_id}/cancel")
    await ended.tick(api.services, api.clock.now_ms())
    assert (await read(api, completed))["state"] == "expired"
    assert not (api.folder / "outputs/acme/uploads" / completed["id"][4:]).exists()


async def test_a_job_keeps_its_upload_for_another_week(api: Api) -> None:
    completed = await uploaded(api)
    api.clock.advance(6 * 86_400)
    job_id = await submit(api, completed["id"])
    await api.client.post(f"/v1/jobs/{job_id}/cancel")
    api.clock.advance(6 * 86_400)
    await ended.tick(api.services, api.clock.now_ms())
    assert (await read(api, completed))["state"] == "completed"
    assert (await api.client.delete(f"/v1/uploads/{completed['id']}")).status_code == 204
