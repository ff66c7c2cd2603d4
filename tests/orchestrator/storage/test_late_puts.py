"""What comes too late is not taken, whenever it began; and who goes away leaves nothing."""

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.retention import uploads as ended
from orchestrator.storage.disk import DiskStorage
from orchestrator.storage.port import PUT_SLACK_MS, LocalDownload
from orchestrator.storage.receiving.receiver import Receiver
from shared.clock import ManualClock
from shared.refusals import LinkExpired
from tests.orchestrator.api.running import Api, path_of
from tests.orchestrator.relay.ticking import Ticking
from tests.orchestrator.storage.putting import (
    HEADERS,
    KEY,
    MIB,
    SlowBody,
    announcing,
    client_token,
    disk_storage,
    files,
    order_token,
)
from tests.orchestrator.uploads.uploading import JPEG, begin, complete, put, sha256
from tests.waiting import until


@pytest.mark.parametrize(("late_ms", "taken"), [(PUT_SLACK_MS - 1, True), (PUT_SLACK_MS, False)])
async def test_a_body_may_end_a_while_after_its_grant_and_no_later(tmp_path: Path, late_ms: int, taken: bool) -> None:
    clock = ManualClock()
    async with disk_storage(tmp_path / "root", clock) as storage:
        body, expires_ms = SlowBody(b"x"), clock.now_ms() + 1000
        sending = asyncio.create_task(storage.receive(order_token(storage, 10, expires_ms), HEADERS, body.stream()))
        await body.reached.wait()
        clock.advance(1 + late_ms / 1000)
        body.go_on.set()
        if taken:
            await sending
        else:
            with pytest.raises(LinkExpired):
                await sending
        await until(lambda: files(tmp_path / "root") == ([KEY] if taken else []))


async def test_a_body_whose_upload_ends_meanwhile_is_discarded(api: Api) -> None:
    begun = await begin(api.client)
    token = path_of(begun["url"]).split("/")[-2]
    body = SlowBody(JPEG[:10], JPEG[10:])
    headers = {"content-type": "image/jpeg", "content-length": str(len(JPEG))}
    storage: Any = api.services.storage
    sending = asyncio.create_task(storage.receive(token, headers, body.stream()))
    await body.reached.wait()
    assert (await api.client.delete(f"/v1/uploads/{begun['id']}")).status_code == 204
    await ended.tick(api.services, api.clock.now_ms())
    body.go_on.set()
    with pytest.raises(LinkExpired):
        await sending
    await until(lambda: files(api.folder / "outputs") == [])


@pytest.mark.parametrize("end", ["rejected", "completed", "deleted"])
async def test_the_address_of_an_upload_that_has_ended_takes_nothing(api: Api, end: str) -> None:
    body = b"%PDF-1.7 nothing" if end == "rejected" else JPEG
    begun = await begin(api.client, body)
    await put(api, begun, body)
    if end == "deleted":
        await api.client.delete(f"/v1/uploads/{begun['id']}")
    else:
        assert (await complete(api.client, begun)).status_code == (422 if end == "rejected" else 200)
    await ended.tick(api.services, api.clock.now_ms())
    before = files(api.folder / "outputs")
    refused = await put(api, begun, body)
    assert (refused.status_code, refused.json()["code"]) == (410, "link-expired")
    assert files(api.folder / "outputs") == before
    assert len(before) == (1 if end == "completed" else 0)


async def test_a_file_that_another_upload_shares_is_replaced_by_no_address(api: Api) -> None:
    first = await begin(api.client, sha256=sha256(JPEG))
    await put(api, first, JPEG)
    await complete(api.client, first)
    assert (await begin(api.client, sha256=sha256(JPEG)))["state"] == "completed"
    await api.client.delete(f"/v1/uploads/{first['id']}")
    await ended.tick(api.services, api.clock.now_ms())
    assert (await put(api, first, JPEG[::-1])).status_code == 410
    assert (api.folder / "outputs/acme/uploads" / first["id"][4:]).read_bytes() == JPEG


async def test_the_output_of_an_item_that_completed_is_stored_once(api: Api) -> None:
    ticking = Ticking(api)
    job_id = await ticking.submitted(1)
    grant = ticking.only_task.body["input"]["items"][0]["outputs"]["text"]
    async with asyncio.timeout(10):
        result = await ticking.commit(0)
        assert (await put(api, grant, b"abd")).status_code == 200, "until the item is done its worker may try again"
        await ticking.close_with(result)
        ticking.only_task.status = "COMPLETED"
        while (job := await ticking.job(job_id))["status"] != "COMPLETED":
            await ticking.follow()
    refused = await put(api, grant, b"something else")
    assert (refused.status_code, refused.json()["code"]) == (410, "link-expired")
    assert (await api.client.get(path_of(job["items"][0]["output"]["text"]["url"]))).content == b"abd"


async def test_who_goes_away_while_the_file_is_opened_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, go_on, opened = threading.Event(), threading.Event(), threading.Event()
    begin_draft = Receiver._begin

    def slow(self: Receiver, *args: Any) -> Any:
        opening.set()
        go_on.wait()
        try:
            return begin_draft(self, *args)
        finally:
            opened.set()

    async with disk_storage(tmp_path / "root") as storage:
        monkeypatch.setattr(Receiver, "_begin", slow)
        before = open_files()
        size = 10 * MIB
        body = SlowBody(b"x")
        sending = asyncio.create_task(storage.receive(client_token(storage, size), announcing(size), body.stream()))
        await asyncio.to_thread(opening.wait)
        sending.cancel()
        await asyncio.wait([sending])
        go_on.set()
        await asyncio.to_thread(opened.wait)
        await until(lambda: storage._receiver._room._promised_bytes == 0)
        await until(lambda: files(tmp_path / "root") == [])
        assert open_files() == before


def open_files() -> list[str]:
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [target for link in links if "~incoming" in (target := str(link.readlink()))]


async def test_what_a_killed_server_left_is_swept_while_another_runs(tmp_path: Path) -> None:
    incoming = tmp_path / "root" / "~incoming"
    async with disk_storage(tmp_path / "root") as storage:
        for name, age_s in (("left", 3700), ("arriving", 3500)):
            (incoming / name).write_bytes(b"12345")
            os.utime(incoming / name, (time.time() - age_s,) * 2)
        body = SlowBody(b"x" * MIB)
        sending = asyncio.create_task(storage.receive(order_token(storage, MIB), HEADERS, body.stream()))
        await body.reached.wait()
        [mine] = [path for path in incoming.iterdir() if path.name not in ("left", "arriving")]
        os.utime(mine, (time.time() - 3700,) * 2)
        assert {draft.key for draft in await storage.drafts()} == {"left", "arriving", mine.name}
        assert await storage.sweep_drafts() == 1
        assert {path.name for path in incoming.iterdir()} == {"arriving", mine.name}
        body.go_on.set()
        assert (await sending).size_bytes == MIB


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_file_that_is_deleted_between_look_up_and_opening_is_not_found(
    api: Api, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    link = await api.finish_with_file((await api.post_job())["id"], b"hello")
    own = path_of(api.services.storage.read_url(KEY, api.clock.now_ms() + 60_000))
    await api.put_object(KEY, b"hello")
    find = DiskStorage._find

    def then_deleted(self: DiskStorage, key: str) -> LocalDownload | None:
        found = find(self, key)
        assert found is not None
        found.path.unlink()
        return found

    monkeypatch.setattr(DiskStorage, "_find", then_deleted)
    for address in (link, own):
        assert (await api.client.request(method, address)).status_code == 404
