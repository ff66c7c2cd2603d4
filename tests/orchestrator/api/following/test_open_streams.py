"""What open streams cost: a bounded number, no reads without news, and nothing once the client is gone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator import lookout
from orchestrator.api.jobs import events
from orchestrator.store.store import Store
from tests.orchestrator.api.following.reader import EventReader, following, stored
from tests.orchestrator.api.following.test_events import ended_job, failed
from tests.orchestrator.api.running import Api, running_api
from tests.waiting import until


@pytest.fixture
async def small(tmp_path: Path, database: Path) -> AsyncIterator[Api]:
    """Serve the API, with three streams for each tenant."""
    async with running_api(tmp_path, database, max_streams=3) as running:
        yield running


async def open_streams(stack: AsyncExitStack, api: Api, job_id: str, count: int) -> list[EventReader]:
    """Open streams and read the first event of each."""
    readers = []
    for _ in range(count):
        reader = await stack.enter_async_context(following(api.client, f"/v1/jobs/{job_id}/events"))
        await reader.next()
        readers.append(reader)
    return readers


async def test_a_tenant_has_so_many_streams_and_no_more(small: Api) -> None:
    job_id = str((await small.post_job())["id"])
    async with AsyncExitStack() as stack:
        await open_streams(stack, small, job_id, 3)
        refused = await small.client.get(f"/v1/jobs/{job_id}/events")
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
        assert int(refused.headers["retry-after"]) > 0
        async with small.as_tenant("rival") as rival:
            theirs = (await rival.post("/v1/jobs", json={"operation": "echo", "input": {}})).json()["id"]
            async with following(rival, f"/v1/jobs/{theirs}/events") as reader:
                await reader.next()
    await until(lambda: len(small.services.streams) == 0)
    async with AsyncExitStack() as stack:
        await open_streams(stack, small, job_id, 3)


async def test_a_head_request_takes_no_place(small: Api) -> None:
    job_id = await ended_job(small)
    for _ in range(5):
        assert (await small.client.head(f"/v1/jobs/{job_id}/events")).status_code == 200
    assert len(small.services.streams) == 0


async def test_a_client_that_goes_away_leaves_nothing_behind(api: Api) -> None:
    job_id = str((await api.post_job())["id"])
    before = len(asyncio.all_tasks())
    async with AsyncExitStack() as stack:
        await open_streams(stack, api, job_id, 5)
        assert len(api.services.streams) == 5
    await until(lambda: len(api.services.streams) == 0)
    assert api.services.changes._waiting == {}
    await until(lambda: len(asyncio.all_tasks()) <= before + 1)  # the library's one watcher for the process's end


async def test_streams_without_news_share_one_look_a_second(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(events, "PROGRESS_EVERY_S", 0.05)  # else the next one is due in the middle of this
    job_ids = [str((await api.post_job())["id"]) for _ in range(4)]
    reads: list[str] = []
    read = Store.read

    async def counted(store: Store, function: Callable[[Any], Any]) -> Any:
        reads.append(function.__qualname__ if hasattr(function, "__qualname__") else repr(function))
        return await read(store, function)

    async with AsyncExitStack() as stack:
        for job_id in job_ids:
            await open_streams(stack, api, job_id, 5)
        await asyncio.sleep(0.4)  # the first look makes itself known to each once
        monkeypatch.setattr(Store, "read", counted)
        await until(lambda: len(reads) >= 5)
        assert {name for name in reads if "Lookout" not in name} == set()
        await api.end_items(job_ids[0], [failed(0, "i0")])
        await until(lambda: len(api.services.streams) == 15)
        # One for each follower of that job, or two where the look was quicker than the announcement.
        assert 5 <= sum("read_news" in name for name in reads) <= 10


async def test_all_streams_end_when_the_server_closes(api: Api) -> None:
    job_id = str((await api.post_job())["id"])
    async with AsyncExitStack() as stack:
        readers = await open_streams(stack, api, job_id, 3)
        api.services.streams.close()
        async with asyncio.timeout(2):
            for rest in await asyncio.gather(*(reader.rest() for reader in readers)):
                assert stored(rest) == []  # and the answer has its proper end, else httpx would raise
    assert len(api.services.streams) == 0


async def test_a_database_that_fails_ends_the_stream_and_whoever_comes_back_misses_nothing(api: Api) -> None:
    job_id = str((await api.post_job())["id"])
    async with following(api.client, f"/v1/jobs/{job_id}/events") as reader:
        first = await reader.next()
        async with failing_reads(api):
            api.services.changes.announce(job_id)
            assert [event.kind async for event in reader if event.kind != "progress"] == []
    await api.end_items(job_id, [failed(0, "i0")])
    async with following(api.client, f"/v1/jobs/{job_id}/events", headers={"last-event-id": first.id}) as reader:
        assert stored(await reader.rest()) == [("item", ("i0", "FAILED")), ("status", "FAILED")]


@asynccontextmanager
async def failing_reads(api: Api) -> AsyncIterator[None]:
    """Take the table of events away for a while."""
    store = api.services.store
    await store.write(lambda c: c.exec_driver_sql("ALTER TABLE events RENAME TO events_away"))
    yield
    await store.write(lambda c: c.exec_driver_sql("ALTER TABLE events_away RENAME TO events"))
