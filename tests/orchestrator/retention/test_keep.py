"""Pins keep outputs beyond their time; under legal hold nobody and nothing deletes."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.retention import expire
from orchestrator.store import tables
from orchestrator.store.keeping.held import not_held, object_is_held
from orchestrator.store.keeping.purges import begin_purges
from tests.orchestrator.api.running import Api, completed
from tests.orchestrator.retention.keeping import FILES, Cutting, Keeping, Killed

REASON = {"reason": "Case 4711"}
UPLOAD = "acme/uploads/01HZZZZZZZZZZZZZZZZZZZZZZZ"


@pytest.fixture
def disk(api: Api) -> Keeping:
    return Keeping(api, api.services)


async def asked(keeping: Keeping, method: str, job_id: str, what: str = "", **options: Any) -> tuple[int, Any]:
    async with keeping.api.as_tenant("acme", ["admin"]) as admin:
        answer = await admin.request(method, f"/v1/jobs/{job_id}{what}", **options)
    return answer.status_code, answer.json() if answer.content else None


async def hold(keeping: Keeping, job_id: str) -> tuple[int, Any]:
    return await asked(keeping, "PUT", job_id, "/legal-hold", json=REASON)


async def test_a_pinned_jobs_outputs_stay_beyond_their_time_and_its_links_work(disk: Keeping) -> None:
    job_id = await disk.ended_job(output_ttl_s=60)
    status, job = await asked(disk, "PUT", job_id, "/pin")
    assert (status, job["pinned"], job["expires_at"]) == (200, True, None)
    disk.api.clock.advance(10_000)
    await disk.sweep()
    assert await disk.left(job_id) == list(FILES)
    assert await disk.link_answers(job_id) == (200, None)
    status, job = await asked(disk, "DELETE", job_id, "/pin")
    assert (status, job["pinned"], job["expires_at"]) == (200, False, "2027-01-15T08:01:00Z")
    assert await disk.link_answers(job_id) == (410, "link-expired")
    await disk.sweep()
    assert await disk.left(job_id) == []
    assert [action for _, action, _ in await disk.audit()] == ["job.pinned", "job.unpinned", "outputs.deleted"]


async def test_pinning_twice_is_pinning_once(disk: Keeping) -> None:
    job_id = await disk.ended_job()
    first = await asked(disk, "PUT", job_id, "/pin")
    assert await asked(disk, "PUT", job_id, "/pin") == first
    assert [action for _, action, _ in await disk.audit()] == ["job.pinned"]
    await asked(disk, "DELETE", job_id, "/pin")
    assert (await asked(disk, "DELETE", job_id, "/pin"))[0] == 200
    assert len(await disk.audit()) == 2


async def test_what_is_gone_is_not_pinned(disk: Keeping) -> None:
    job_id = await disk.ended_job(output_ttl_s=60)
    disk.api.clock.advance(61)
    await disk.sweep()
    status, problem = await asked(disk, "PUT", job_id, "/pin")
    assert (status, problem["code"]) == (409, "outputs-deleted")


async def test_a_pin_in_the_middle_of_a_sweep_comes_in_time_or_is_refused(disk: Keeping) -> None:
    early, late = await disk.ended_job(output_ttl_s=60), await disk.ended_job(output_ttl_s=60)
    disk.api.clock.advance(61)
    now_ms = disk.api.clock.now_ms()
    await expire.tick(disk.services, now_ms)
    assert (await asked(disk, "PUT", early, "/pin"))[0] == 200
    begun = await disk.services.store.write(lambda c: begin_purges(c, now_ms, 10))
    assert [purge.expired_job_id for purge in begun] == [late]
    assert (await asked(disk, "PUT", late, "/pin"))[1]["code"] == "outputs-deleted"
    await disk.sweep()
    assert (await disk.left(early), await disk.left(late)) == (list(FILES), [])


async def test_a_job_on_legal_hold_is_deleted_by_nobody_and_no_sweeper(keeping: Keeping) -> None:
    job_id = await keeping.ended_job(output_ttl_s=60)
    status, job = await hold(keeping, job_id)
    assert status == 200
    assert (job["legal_hold"]["reason"], job["legal_hold"]["since"]) == ("Case 4711", "2027-01-15T08:00:00Z")
    status, problem = await asked(keeping, "DELETE", job_id)
    assert (status, problem["code"]) == (409, "legal-hold")
    keeping.api.clock.advance(10_000)
    await keeping.sweep()
    assert await keeping.left(job_id) == list(FILES)
    assert (await keeping.job(job_id))["outputs_deleted_at"] is None
    assert (await asked(keeping, "DELETE", job_id, "/legal-hold"))[1]["legal_hold"] is None
    await keeping.sweep()
    assert await keeping.left(job_id) == []
    told = [action for _, action, _ in await keeping.audit()]
    assert told == ["hold.set", "hold.released", "outputs.deleted"]


async def test_a_held_jobs_links_end_all_the_same_unless_it_is_pinned(disk: Keeping) -> None:
    job_id = await disk.ended_job(output_ttl_s=60)
    await hold(disk, job_id)
    disk.api.clock.advance(61)
    assert await disk.link_answers(job_id) == (410, "link-expired")
    await asked(disk, "PUT", job_id, "/pin")
    assert await disk.link_answers(job_id) == (200, None)


async def test_a_hold_says_who_set_it_and_a_second_one_takes_no_first_ones_place(disk: Keeping) -> None:
    job_id = await disk.ended_job()
    answer = await disk.api.client.put(f"/v1/jobs/{job_id}/legal-hold", json=REASON)
    assert answer.json()["legal_hold"]["author"] == disk.api.key.id
    status, problem = await asked(disk, "PUT", job_id, "/legal-hold", json={"reason": "Case 4712"})
    assert (status, problem["code"]) == (409, "hold-exists")
    disk.api.clock.advance(60)
    status, job = await asked(disk, "PUT", job_id, "/legal-hold", json=REASON)
    assert (status, job["legal_hold"]) == (200, answer.json()["legal_hold"])
    assert [action for _, action, _ in await disk.audit()] == ["hold.set"]


async def test_only_an_admin_releases_a_hold(disk: Keeping) -> None:
    job_id = await disk.ended_job()
    await hold(disk, job_id)
    refused = await disk.api.client.delete(f"/v1/jobs/{job_id}/legal-hold")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await disk.job(job_id))["legal_hold"] is not None


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}, {"reason": 1}, []])
async def test_a_hold_without_a_reason_is_refused(disk: Keeping, body: Any) -> None:
    job_id = await disk.ended_job()
    assert (await asked(disk, "PUT", job_id, "/legal-hold", json=body))[0] == 422
    assert (await disk.job(job_id))["legal_hold"] is None


async def test_a_hold_in_the_middle_of_a_sweep_comes_in_time_or_is_told_to_come_again(disk: Keeping) -> None:
    early, late = await disk.ended_job(output_ttl_s=60), await disk.ended_job(output_ttl_s=60)
    disk.api.clock.advance(61)
    now_ms = disk.api.clock.now_ms()
    await expire.tick(disk.services, now_ms)
    assert (await hold(disk, early))[0] == 200
    await disk.services.store.write(lambda c: begin_purges(c, now_ms, 10))
    status, problem = await hold(disk, late)
    assert (status, problem["code"]) == (409, "deletion-under-way")
    await disk.sweep()
    assert (await disk.left(early), await disk.left(late)) == (list(FILES), [])
    assert (await hold(disk, late))[0] == 200
    assert (await disk.job(late))["outputs_deleted_at"] is not None


async def test_a_hold_set_after_a_crash_counts_although_the_deletion_had_begun(disk: Keeping) -> None:
    job_id = await disk.ended_job(output_ttl_s=60)
    disk.api.clock.advance(61)
    cut: Any = Cutting(disk.services.storage, before=True)
    with pytest.raises(Killed):
        await disk.sweep(replace(disk.services, storage=cut))
    held = {"reason": "r", "author": "k", "at_ms": 1}
    await disk.services.store.write(lambda c: c.execute(tables.jobs.update().values(legal_hold=held)))
    await disk.sweep()
    assert await disk.left(job_id) == list(FILES)


async def test_an_output_that_a_held_job_was_made_from_stays_too(keeping: Keeping) -> None:
    source = await keeping.ended_job(output_ttl_s=60)
    made = {"operation": "img2vid", "input": {"image": f"output://{source}/i0/text"}}
    job_id = (await keeping.api.client.post("/v1/jobs", json=made)).json()["id"]
    await keeping.api.end_items(job_id, [completed(0, "0", "video", f"acme/{job_id}/0-1/0/video.mp4")])
    await hold(keeping, job_id)
    status, problem = await asked(keeping, "DELETE", source)
    assert (status, problem["code"]) == (409, "legal-hold")
    keeping.api.clock.advance(61)
    await keeping.sweep()
    assert await keeping.left(source) == list(FILES)
    await asked(keeping, "DELETE", job_id, "/legal-hold")
    await keeping.sweep()
    assert await keeping.left(source) == []


async def test_an_upload_that_a_held_job_was_made_from_counts_as_held(disk: Keeping) -> None:
    row = {
        "id": "upl_01HZZZZZZZZZZZZZZZZZZZZZZZ",
        "tenant": "acme",
        "key_id": "k",
        "state": "completed",
        "name": "a.jpg",
        "object_key": UPLOAD,
        "content_type": "image/jpeg",
        "size_bytes": 1,
        "created_ms": 1,
        "expires_ms": 1 << 50,
        "grants_end_ms": 1,
    }
    store = disk.services.store
    await store.write(lambda c: c.execute(tables.uploads.insert(), row))
    made = {"operation": "img2vid", "input": {"image": f"upload://{row['id']}"}}
    job_id = (await disk.api.client.post("/v1/jobs", json=made)).json()["id"]
    free = tables.uploads.select().where(not_held(tables.uploads.c.object_key))
    assert (await store.read(lambda c: object_is_held(c, UPLOAD)), len(await disk.api.rows(free))) == (False, 1)
    await hold(disk, job_id)
    assert (await store.read(lambda c: object_is_held(c, UPLOAD)), len(await disk.api.rows(free))) == (True, 0)
    await asked(disk, "DELETE", job_id, "/legal-hold")
    assert await store.read(lambda c: object_is_held(c, UPLOAD)) is False


async def test_a_deletion_stands_in_the_audit_log_with_who_did_it(disk: Keeping) -> None:
    job_id = await disk.ended_job()
    assert (await disk.api.client.delete(f"/v1/jobs/{job_id}")).status_code == 204
    assert await disk.audit() == [(disk.api.key.id, "job.deleted", job_id)]


async def test_the_audit_log_is_read_in_pages_by_admins_alone(disk: Keeping) -> None:
    jobs = [await disk.ended_job() for _ in range(3)]
    for job_id in jobs:
        await asked(disk, "PUT", job_id, "/pin")
    assert (await disk.api.client.get("/v1/audit")).status_code == 403
    async with disk.api.as_tenant("acme", ["admin"]) as admin, disk.api.as_tenant("other", ["admin"]) as other:
        first = (await admin.get("/v1/audit", params={"limit": 2, "action": "job.pinned"})).json()
        params = {"limit": 2, "action": "job.pinned", "cursor": first["next_cursor"]}
        second = (await admin.get("/v1/audit", params=params)).json()
        one = (await admin.get("/v1/audit", params={"subject": jobs[1]})).json()
        assert (await other.get("/v1/audit", params={"action": "job.pinned"})).json()["entries"] == []
    seen = [entry["subject"] for page in (first, second) for entry in page["entries"]]
    assert (seen, second["next_cursor"]) == (jobs[::-1], None)
    assert [entry["subject"] for entry in one["entries"]] == [jobs[1]]
