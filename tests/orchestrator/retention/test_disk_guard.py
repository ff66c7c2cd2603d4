"""On a disk that is almost full nothing new is taken; all else goes on, and so does it again once there is room."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from orchestrator.retention import purge
from orchestrator.storage import disk_guard
from orchestrator.storage.disk_guard import DiskGuard, DiskUse, disk_use, guard_of
from orchestrator.store import tables
from shared.errors import StorageFull
from tests.faults.small_disk import small_disk
from tests.orchestrator.api.running import Api, path_of, running_api
from tests.orchestrator.metrics.scraping import scrape
from tests.orchestrator.relay.ticking import Ticking

MIB = 1 << 20
ECHO = {"operation": "echo", "input": {}}
UPLOAD = {"name": "a.jpg", "size_bytes": 3, "content_type": "image/jpeg"}


@pytest.fixture(autouse=True)
def every_look_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_guard, "_BELIEVED_S", 0.0)


@pytest.fixture
async def small(tmp_path: Path, database: Path) -> AsyncIterator[Api]:
    """Serve the API with its storage, and nothing else, on a filesystem of 8 MiB."""
    with small_disk(tmp_path / "outputs", 8 * MIB) as disk:
        guard = guard_of(f"file://{disk}", 95)
        async with running_api(tmp_path, database, disk_guard=guard) as api:
            yield api


def filled(api: Api, percent: float) -> Path:
    """Fill the disk up to `percent`, with one file beside the others; return it."""
    ballast = api.folder / "outputs" / "ballast"
    ballast.unlink(missing_ok=True)
    use = disk_use(api.folder / "outputs")
    ballast.write_bytes(bytes(round((use.used_bytes + use.free_bytes) * percent / 100) - use.used_bytes))
    return ballast


async def refused(answer: httpx.Response) -> bool:
    """Whether an answer says that the disk is full, and when to come again."""
    if answer.status_code != 503:
        return False
    assert (answer.json()["code"], answer.headers["retry-after"]) == ("storage-full", "5")
    return True


async def test_new_jobs_and_uploads_are_refused_on_a_full_disk_and_taken_when_there_is_room(small: Api) -> None:
    filled(small, 94)
    assert (await small.client.post("/v1/jobs", json=ECHO)).status_code == 202
    filled(small, 96)
    assert await refused(await small.client.post("/v1/jobs", json=ECHO))
    assert await refused(await small.client.post("/v1/uploads", json=UPLOAD))
    assert await small.count(tables.jobs) == 1
    assert (await small.client.post("/v1/jobs?dry_run=true", json=ECHO)).status_code == 200
    filled(small, 94)
    assert await refused(await small.client.post("/v1/jobs", json=ECHO)), "as soon as it is below the limit"
    filled(small, 92)
    assert (await small.client.post("/v1/jobs", json=ECHO)).status_code == 202
    assert (await small.client.post("/v1/uploads", json=UPLOAD)).status_code == 201


async def test_what_was_begun_ends_and_reads_and_deletes_go_on_while_the_disk_is_full(small: Api) -> None:
    before = (await small.post_job())["id"]
    link = await small.finish_with_file(before, b"hello")
    running = (await small.post_job())["id"]
    filled(small, 96)
    assert await refused(await small.client.post("/v1/jobs", json=ECHO))
    ended = await small.finish_with_file(running, b"x" * 1000)
    assert (await small.client.get(f"/v1/jobs/{running}")).json()["status"] == "COMPLETED"
    assert [(await small.client.get(path)).content for path in (link, ended)] == [b"hello", b"x" * 1000]
    assert (await small.client.delete(f"/v1/jobs/{before}")).status_code == 204
    await purge.tick(small.services, small.clock.now_ms())
    assert (await small.client.get(link)).status_code == 404


async def test_a_retry_is_refused_too(small: Api) -> None:
    job_id = (await small.post_job())["id"]
    await small.client.post(f"/v1/jobs/{job_id}/cancel")
    filled(small, 96)
    assert await refused(await small.client.post(f"/v1/jobs/{job_id}/retry"))


async def test_no_task_goes_out_while_the_disk_is_full(small: Api) -> None:
    await small.post_job()
    filled(small, 96)
    await Ticking(small).dispatch()
    assert await small.count(tables.attempts) == 0
    filled(small, 50)
    await Ticking(small).dispatch()
    assert await small.count(tables.attempts) == 1


async def test_a_disk_without_any_room_refuses_what_is_sent_and_loses_nothing(small: Api) -> None:
    link = await small.finish_with_file((await small.post_job())["id"], b"hello")
    job_id = (await small.post_job())["id"]
    filled(small, 99)
    grant = small.services.storage.grant_upload(f"acme/{job_id}/a.txt", "text/plain", MIB, small.clock.now_ms() + 1000)
    async with httpx.AsyncClient(base_url=small.url) as worker:
        sent = await worker.put(path_of(grant.url), content=bytes(MIB), headers=grant.headers)
    assert await refused(sent)
    assert await small.services.storage.head(f"acme/{job_id}/a.txt") is None
    assert (await small.client.get(link)).content == b"hello"


async def test_health_readiness_and_metrics_show_a_full_disk(small: Api) -> None:
    assert (await small.client.get("/readyz")).status_code == 200
    filled(small, 96)
    assert await refused(await small.client.get("/readyz"))
    told = (await small.client.get("/health")).json()
    assert (told["status"], told["storage"]) == ("degraded", "storage-full")
    async with small.as_tenant("operator", ["admin"]) as admin:
        families = await scrape(admin)
    [full], [used], [free] = (
        [sample.value for sample in families[f"revela_disk_{name}"].samples]
        for name in ("full", "used_bytes", "free_bytes")
    )
    assert (full, used + free) == (1, 8 * MIB)
    assert used / (used + free) > 0.95


@pytest.mark.parametrize(
    ("percents", "full"),
    [((94.9,), False), ((95.0,), True), ((96, 93.1), True), ((96, 92.9), False), ((96, 92.9, 94.9), False)],
)
def test_a_guard_that_was_full_is_so_until_two_percent_below(percents: tuple[float, ...], full: bool) -> None:
    uses = iter([DiskUse(round(percent * 10), 1000 - round(percent * 10)) for percent in percents])
    guard = DiskGuard(lambda: next(uses), 95)
    assert [guard.is_full() for _ in percents][-1] is full


def test_a_bucket_is_never_full_and_a_disk_that_is_away_is_not_called_full(tmp_path: Path) -> None:
    for guard in (guard_of("s3://bucket/prefix", 1), guard_of(f"file://{tmp_path / 'gone'}", 1), DiskGuard()):
        guard.refuse_if_full()
        assert guard.use() is None


def test_a_look_is_believed_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_guard, "_BELIEVED_S", 60.0)
    looks: list[int] = []

    def look() -> DiskUse:
        looks.append(1)
        return DiskUse(99, 1)

    guard = DiskGuard(look, 95)
    for _ in range(1000):
        with pytest.raises(StorageFull):
            guard.refuse_if_full()
    assert len(looks) == 1
