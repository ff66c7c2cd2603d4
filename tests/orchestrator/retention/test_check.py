"""The storage beside the database: what has no row, what rows miss, and mending it."""

import os
import time
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.retention import drafts, purge
from orchestrator.retention.check import Comparison, Heap, Mended, StorageCheck
from orchestrator.storage.port import KeepsDrafts
from orchestrator.store import tables
from shared.clock import SystemClock
from tests.orchestrator.retention.keeping import FILES, Keeping

NOBODYS = "acme/job_01HZZZZZZZZZZZZZZZZZZZZZZZ"
UPLOAD = "acme/uploads/01HZZZZZZZZZZZZZZZZZZZZZZZ"


def checked(keeping: Keeping, grace_s: float = -60) -> StorageCheck:
    """Return a check by the machine's time, which the stores' files have; without grace unless it is told."""
    now_ms = SystemClock().now_ms()
    return StorageCheck(keeping.services.store, keeping.services.storage, now_ms, grace_s)


async def repaired(keeping: Keeping) -> tuple[Comparison, Mended]:
    check = checked(keeping)
    found = await check.compare()
    return found, await check.repair(found)


async def upload_row(keeping: Keeping, key: str = UPLOAD, **fields: Any) -> None:
    row = {
        "id": f"upl_{key.rpartition('/')[2]}",
        "tenant": "acme",
        "key_id": "k",
        "state": "completed",
        "name": "a.jpg",
        "object_key": key,
        "content_type": "image/jpeg",
        "size_bytes": 1,
        "created_ms": 1,
        "expires_ms": 1 << 50,
        "grants_end_ms": 1,
        **fields,
    }
    await keeping.services.store.write(lambda c: c.execute(tables.uploads.insert(), row))


async def lose(keeping: Keeping, key: str) -> None:
    await keeping.services.storage.delete(key)
    assert await keeping.services.storage.head(key) is None


async def test_a_storage_that_is_as_the_database_says_is_sound(keeping: Keeping) -> None:
    await keeping.services.storage.check()
    await keeping.ended_job()
    await keeping.put(UPLOAD)
    await upload_row(keeping)
    found = await checked(keeping).compare()
    assert found.sound
    assert (found.stored.objects, found.owned.objects) == (5, 5)
    assert found.stored.size_bytes == sum(map(len, FILES)) + 1


async def test_objects_without_a_row_are_found_with_their_sizes_and_deleted(keeping: Keeping) -> None:
    job_id = await keeping.ended_job()
    for name in FILES[:3]:
        await keeping.put(f"{NOBODYS}/{name}", b"12345")
    await keeping.put(UPLOAD, b"123")
    found, mended = await repaired(keeping)
    assert found.orphans == {NOBODYS: Heap(3, 15), UPLOAD: Heap(1, 3)}
    assert mended.deleted == Heap(4, 18)
    assert [await keeping.services.storage.head(key) for key in (f"{NOBODYS}/{FILES[0]}", UPLOAD)] == [None, None]
    assert await keeping.left(job_id) == list(FILES)
    told = [entry for entry in await keeping.audit() if entry[1] == "orphans.deleted"]
    assert told == [("operator", "orphans.deleted", NOBODYS), ("operator", "orphans.deleted", UPLOAD)]
    assert (await checked(keeping).compare()).sound


async def test_a_young_object_without_a_row_is_no_orphan_yet(keeping: Keeping) -> None:
    await keeping.ended_job()
    await keeping.put(f"{NOBODYS}/{FILES[0]}")
    check = checked(keeping, grace_s=3600)
    found = await check.compare()
    assert (found.sound, found.fresh.objects) == (True, 1)
    await check.repair(replace(found, orphans={NOBODYS: Heap(1, 1)}))
    assert await keeping.services.storage.head(f"{NOBODYS}/{FILES[0]}") is not None


async def test_an_object_that_is_named_as_none_of_ours_is_never_touched(keeping: Keeping) -> None:
    await keeping.ended_job()
    foreign = ("notes.txt", "somebody/else/data.bin", "acme/job_x/0-1/a.txt")
    for key in (*foreign, f"{NOBODYS}/{FILES[0]}"):
        await keeping.put(key)
    found, mended = await repaired(keeping)
    assert (found.foreign.objects, mended.deleted.objects) == (3, 1)
    assert [await keeping.services.storage.head(key) is not None for key in foreign] == [True] * 3


async def test_files_that_rows_miss_are_found_and_marked(keeping: Keeping) -> None:
    job_id = await keeping.ended_job()
    before = await keeping.job(job_id)
    await lose(keeping, f"acme/{job_id}/{FILES[-1]}")
    found, mended = await repaired(keeping)
    [lost] = found.lost_outputs
    assert (lost.job_id, lost.item_id, lost.slot, lost.size_bytes) == (job_id, "i0", "text", len(FILES[-1]))
    assert mended.outputs_marked == 1
    after = await keeping.job(job_id)
    assert after["items"][0]["output"]["text"].pop("lost_at") is not None
    assert after == before
    assert await keeping.link_answers(job_id) == (410, "output-lost")
    assert (await keeping.audit())[-1] == ("operator", "outputs.lost", job_id)
    again = {"operation": "img2vid", "input": {"image": f"output://{job_id}/i0/text"}}
    assert (await keeping.api.client.post("/v1/jobs", json=again)).status_code == 422
    assert (await checked(keeping).compare()).sound


async def test_an_upload_whose_file_is_gone_is_ended(keeping: Keeping) -> None:
    await keeping.ended_job()
    await upload_row(keeping)
    found, mended = await repaired(keeping)
    assert ([lost.key for lost in found.lost_uploads], mended.uploads_marked) == ([UPLOAD], 1)
    [row] = await keeping.api.rows(tables.uploads.select())
    assert row.state == "expired"
    assert (await keeping.audit())[-1] == ("operator", "upload.lost", row.id)


async def test_what_is_gone_because_its_time_was_over_is_not_missed(keeping: Keeping) -> None:
    await keeping.ended_job()
    expired, deleted = await keeping.ended_job(output_ttl_s=60), await keeping.ended_job()
    keeping.api.clock.advance(61)
    assert (await keeping.api.client.delete(f"/v1/jobs/{deleted}")).status_code == 204
    await keeping.sweep()
    assert await keeping.left(expired) == await keeping.left(deleted) == []
    assert (await checked(keeping).compare()).sound


async def test_what_is_on_its_way_out_is_left_to_the_sweeper(keeping: Keeping) -> None:
    job_id = await keeping.ended_job()
    assert (await keeping.api.client.delete(f"/v1/jobs/{job_id}")).status_code == 204
    found = await checked(keeping).compare()
    assert (found.sound, found.owned.objects) == (True, len(FILES))
    await purge.tick(keeping.services, keeping.api.clock.now_ms())
    assert await keeping.left(job_id) == []


async def test_nothing_on_legal_hold_is_mended(keeping: Keeping) -> None:
    job_id = await keeping.ended_job()
    await keeping.put(UPLOAD)
    held = {"job_id": job_id, "object_key": UPLOAD, "tenant": "acme"}
    answer = await keeping.api.client.put(f"/v1/jobs/{job_id}/legal-hold", json={"reason": "Case 1"})
    assert answer.status_code == 200
    await keeping.services.store.write(lambda c: c.execute(tables.held_objects.insert(), held))
    await lose(keeping, f"acme/{job_id}/{FILES[-1]}")
    found, mended = await repaired(keeping)
    assert (found.orphans, len(found.lost_outputs)) == ({}, 1)
    assert (mended.outputs_marked, mended.deleted.objects) == (0, 0)
    assert await keeping.services.storage.head(UPLOAD) is not None


@pytest.mark.parametrize("owned", [True, False], ids=["one_of_ours", "none_of_ours"])
async def test_a_storage_that_knows_nothing_of_this_database_is_a_stranger(keeping: Keeping, owned: bool) -> None:
    await keeping.put(f"{NOBODYS}/{FILES[0]}")
    if owned:
        await keeping.ended_job()
    assert (await checked(keeping).compare()).strangers is not owned


async def test_what_never_became_whole_is_told_and_left_to_the_server(keeping: Keeping) -> None:
    await keeping.ended_job()
    if not isinstance(keeping.services.storage, KeepsDrafts):
        assert (await checked(keeping).compare()).arriving == Heap()
        return
    for name, age_s in (("left", 4000), ("arriving", 10)):
        draft = keeping.api.folder / "outputs/~incoming" / name
        draft.write_bytes(b"12345")
        os.utime(draft, (time.time() - age_s,) * 2)
    found = await checked(keeping).compare()
    assert (found.sound, found.arriving, found.abandoned) == (True, Heap(1, 5), Heap(1, 5))
    await drafts.tick(keeping.services)
    found = await checked(keeping).compare()
    assert (found.arriving, found.abandoned) == (Heap(1, 5), Heap())
