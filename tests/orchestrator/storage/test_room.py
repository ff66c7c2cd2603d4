"""However much is sent, something is left on the disk: for jobs that run, and for the database."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from orchestrator.retention import expire, purge
from orchestrator.retention import uploads as ended
from orchestrator.storage import disk_guard
from orchestrator.storage.disk_guard import DiskUse, disk_use, guard_of
from shared.errors import StorageFull
from tests.faults.small_disk import small_disk
from tests.orchestrator.api.running import path_of, running_api
from tests.orchestrator.storage.putting import (
    MIB,
    SlowBody,
    announcing,
    body_of,
    client_token,
    disk_storage,
    order_token,
)
from tests.orchestrator.uploads.uploading import begin, put
from tests.waiting import until

GIB = 1 << 30


@pytest.fixture(autouse=True)
def every_look_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_guard, "_BELIEVED_S", 0.0)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", 16 * MIB) as folder:
        yield folder


@pytest.mark.parametrize(
    ("size_bytes", "reserve_bytes"),
    [(16 * MIB, 16 * MIB // 20), (10 * GIB, 256 * MIB), (1000 * GIB, 10 * GIB)],
    ids=["small", "middling", "large"],
)
def test_the_reserve_goes_with_the_size_of_the_disk(size_bytes: int, reserve_bytes: int) -> None:
    use = DiskUse(size_bytes // 2, size_bytes // 2)
    assert (use.reserve_bytes, use.last_reserve_bytes) == (reserve_bytes, reserve_bytes // 4)


async def test_uploads_that_were_begun_leave_the_database_its_air(tmp_path: Path, database: Path) -> None:
    """The default layout: database and objects on one disk."""
    body = b"\xff\xd8\xff\xe0" + bytes(6 * MIB)
    with small_disk(tmp_path / "data", 128 * MIB) as disk:
        async with running_api(disk, database, disk_guard=guard_of(f"file://{disk}", 95)) as api:
            ended_job = (await api.post_job(output_ttl_s=60))["id"]
            await api.finish_with_file(ended_job, bytes(MIB))
            running = (await api.post_job())["id"]
            begun = []
            for tenant in ("acme", "other"):
                async with api.as_tenant(tenant) as client:
                    begun += [(tenant, await begin(client, body)) for _ in range(14)]
            codes = [(await put(api, upload, body)).status_code for _, upload in begun]
            assert set(codes) == {200, 503}
            use = disk_use(disk)
            assert use.free_bytes >= use.reserve_bytes - 2 * MIB, "the database alone may have grown into it"
            await api.finish_with_file(running, b"x" * 1000)
            assert (await api.client.get(f"/v1/jobs/{running}")).json()["status"] == "COMPLETED"
            before = disk_use(disk).free_bytes
            mine = [upload for tenant, upload in begun if tenant == "acme"]
            assert (await api.client.delete(f"/v1/uploads/{mine[0]['id']}")).status_code == 204
            await ended.tick(api.services, api.clock.now_ms())
            assert disk_use(disk).free_bytes > before + 5 * MIB
            api.clock.advance(2 * 86_400)
            await ended.tick(api.services, api.clock.now_ms())
            await expire.tick(api.services, api.clock.now_ms())
            await purge.tick(api.services, api.clock.now_ms())
            assert disk_use(disk).percent < 20


async def test_jobs_may_write_into_the_reserve_and_clients_may_not(disk: Path) -> None:
    async with disk_storage(disk / "root") as storage:
        use = disk_use(disk)
        (disk / "ballast").write_bytes(bytes(use.free_bytes - use.reserve_bytes))
        half = use.reserve_bytes // 2
        with pytest.raises(StorageFull):
            await storage.receive(client_token(storage, half), announcing(half), body_of(half))
        await storage.receive(order_token(storage), announcing(half), body_of(half))
        with pytest.raises(StorageFull):
            await storage.receive(order_token(storage), announcing(half), body_of(half))
        with pytest.raises(StorageFull):  # nor by not saying how much it will be
            await storage.receive(order_token(storage), {"content-type": "text/plain"}, body_of(half))
        left = disk_use(disk)
        assert left.free_bytes >= left.last_reserve_bytes


async def test_what_is_on_its_way_has_its_room(disk: Path) -> None:
    async with disk_storage(disk / "root") as storage:
        body, size = SlowBody(bytes(2 * MIB)), 9 * MIB
        first = asyncio.create_task(storage.receive(client_token(storage, size), announcing(size), body.stream()))
        await body.reached.wait()
        with pytest.raises(StorageFull):
            await storage.receive(order_token(storage, size), announcing(size), body_of(size))
        await storage.receive(order_token(storage, size), announcing(5 * MIB), body_of(5 * MIB))
        first.cancel()
        await asyncio.wait([first])
        await until(lambda: disk_use(disk).free_bytes > 10 * MIB)
        await storage.receive(client_token(storage, size), announcing(size), body_of(size))


async def test_a_body_of_unknown_size_leaves_the_room_that_others_were_promised(disk: Path) -> None:
    async with disk_storage(disk / "root") as storage:
        body, size = SlowBody(bytes(MIB), bytes(9 * MIB)), 10 * MIB
        first = asyncio.create_task(storage.receive(client_token(storage, size), announcing(size), body.stream()))
        await body.reached.wait()
        with pytest.raises(StorageFull):
            await storage.receive(order_token(storage, size), {"content-type": "text/plain"}, body_of(8 * MIB))
        body.go_on.set()
        assert (await first).size_bytes == size


async def test_what_was_promised_is_not_written_where_others_have_filled_the_disk(disk: Path) -> None:
    async with disk_storage(disk / "root") as storage:
        body, size = SlowBody(bytes(MIB), bytes(64 << 10)), MIB + (64 << 10)
        sending = asyncio.create_task(storage.receive(client_token(storage, size), announcing(size), body.stream()))
        await body.reached.wait()
        (disk / "ballast").write_bytes(bytes(disk_use(disk).free_bytes - (128 << 10)))
        body.go_on.set()
        with pytest.raises(StorageFull):
            await sending


async def test_uploads_are_begun_only_as_far_as_they_fit(tmp_path: Path, database: Path) -> None:
    with small_disk(tmp_path / "outputs", 16 * MIB) as disk:
        async with running_api(tmp_path, database, disk_guard=guard_of(f"file://{disk}", 95)) as api:
            body = b"\xff\xd8\xff\xe0" + bytes(6 * MIB)
            first, _ = await begin(api.client, body), await begin(api.client, body)
            assert await begun(api.client, len(body)) == (503, "storage-full")
            assert await begun(api.client, MIB) == (201, None)
            async with api.as_tenant("other") as other:  # whom nobody locks out by mere words
                assert await begun(other, len(body)) == (201, None)
            await api.client.delete(f"/v1/uploads/{first['id']}")
            assert await begun(api.client, len(body)) == (201, None)


async def begun(client: httpx.AsyncClient, size_bytes: int) -> tuple[int, str | None]:
    asked = {"name": "a.jpg", "size_bytes": size_bytes, "content_type": "image/jpeg"}
    answer = await client.post("/v1/uploads", json=asked)
    return answer.status_code, answer.json().get("code")


async def test_an_address_refuses_what_does_not_fit_and_takes_the_same_later(tmp_path: Path, database: Path) -> None:
    with small_disk(tmp_path / "outputs", 16 * MIB) as disk:
        async with running_api(tmp_path, database) as api:
            body = b"\xff\xd8\xff\xe0" + bytes(6 * MIB)
            upload = await begin(api.client, body)
            (disk / "ballast").write_bytes(bytes(10 * MIB))
            async with httpx.AsyncClient(base_url=api.url) as sender:
                refused = await sender.put(path_of(upload["url"]), content=body, headers=upload["headers"])
            assert (refused.status_code, refused.json()["code"]) == (503, "storage-full")
            (disk / "ballast").unlink()
            assert (await put(api, upload, body)).status_code == 200
