"""What a follower of a job is sent: all of it, once, in order."""

import asyncio
from datetime import datetime

import pytest
import sqlalchemy as sa

from orchestrator.api.jobs import events
from orchestrator.jobs.settle import ItemEnd
from orchestrator.store import settling, tables
from shared.errors import SourceNotFound
from shared.wire.problem import ErrorInfo
from shared.wire.status import Status
from tests.orchestrator.api.following.reader import Event, following, stored
from tests.orchestrator.api.running import Api, completed
from tests.waiting import until


def failed(n: int, item_id: str) -> ItemEnd:
    return ItemEnd(n, item_id, Status.FAILED, ErrorInfo.of(SourceNotFound()))


async def ended_job(api: Api) -> str:
    job_id = str((await api.post_job(2))["id"])
    await api.end_items(job_id, [completed(0, "i0", "text", f"acme/{job_id}/0-1/0/echo.txt"), failed(1, "i1")])
    return job_id


async def all_of(api: Api, job_id: str, **options: object) -> list[Event]:
    async with following(api.client, f"/v1/jobs/{job_id}/events", **options) as reader:
        return await reader.rest()


async def test_an_ended_job_is_told_from_its_first_status_to_its_last_and_then_the_stream_ends(api: Api) -> None:
    told = await all_of(api, await ended_job(api))
    assert stored(told) == [
        ("status", "IN_QUEUE"),
        ("item", ("i0", "COMPLETED")),
        ("item", ("i1", "FAILED")),
        ("status", "COMPLETED_WITH_ERRORS"),
    ]
    numbers = [int(event.id) for event in told]
    assert numbers == sorted(set(numbers))
    assert all(datetime.fromisoformat(event.data["at"]).tzinfo for event in told)


async def test_an_item_s_event_has_what_a_page_shows_of_it(api: Api) -> None:
    job_id = await ended_job(api)
    _, done, lost, end = await all_of(api, job_id)
    items = (await api.client.get(f"/v1/jobs/{job_id}")).json()["items"]
    for told, item in ((done, items[0]), (lost, items[1])):
        assert {name: told.data[name] for name in ("id", "status", "error", "output")} == {
            name: item[name] for name in ("id", "status", "error", "output")
        }
    assert done.data["output"]["text"]["url"].startswith("https://")
    assert lost.data["error"]["code"] == "source-not-found"
    assert end.data["summary"] == {"total": 2, "succeeded": 1, "failed": 1}


async def test_an_item_with_very_many_files_is_told_without_them(api: Api) -> None:
    job_id = str((await api.post_job())["id"])
    one = completed(0, "i0", "text", f"acme/{job_id}/0-1/0/echo.txt")
    outputs = {f"part{n}": one.outputs["text"] for n in range(200)}
    await api.end_items(job_id, [ItemEnd(0, "i0", Status.COMPLETED, outputs=outputs)])
    _, item, _ = await all_of(api, job_id)
    assert item.data["output"] is None
    assert len((await api.client.get(f"/v1/jobs/{job_id}")).json()["items"][0]["output"]) == 200


async def test_a_stream_says_how_to_be_treated(api: Api) -> None:
    async with following(api.client, f"/v1/jobs/{await ended_job(api)}/events") as reader:
        await reader.rest()
    assert reader.retry_ms == 3000
    assert reader.response.headers["cache-control"] == "no-store"
    assert reader.response.headers["x-accel-buffering"] == "no"


@pytest.mark.parametrize("way", ["header", "query", "both"])
async def test_whoever_comes_back_gets_what_came_after_the_last_event_it_has(api: Api, way: str) -> None:
    job_id = await ended_job(api)
    everything = await all_of(api, job_id)
    last = everything[1].id
    # A browser that comes again sends the header, and the address that it was given at first.
    headers = {"last-event-id": last} if way != "query" else {}
    params = {"last_event_id": {"query": last, "both": everything[0].id}[way]} if way != "header" else {}
    assert await all_of(api, job_id, headers=headers, params=params) == everything[2:]


async def test_whoever_has_the_end_already_is_told_not_to_come_again(api: Api) -> None:
    job_id = await ended_job(api)
    last = (await all_of(api, job_id))[-1].id
    again = await api.client.get(f"/v1/jobs/{job_id}/events", headers={"last-event-id": last})
    assert (again.status_code, again.content) == (204, b"")


@pytest.mark.parametrize("given", ["-1", "x", "1.5", "٣", "9" * 19, "99999999"])
async def test_an_event_that_never_was_is_refused(api: Api, given: str) -> None:
    job_id = str((await api.post_job())["id"])
    headers = {b"last-event-id": given.encode()}
    for options in ({"headers": headers}, {"params": {"last_event_id": given}}):
        refused = await api.client.get(f"/v1/jobs/{job_id}/events", **options)
        assert (refused.status_code, refused.json()["code"]) == (400, "event-id-invalid")
        assert refused.headers["content-type"] == "application/problem+json"


async def test_another_tenant_s_job_is_not_there(api: Api) -> None:
    job_id = await ended_job(api)
    async with api.as_tenant("rival") as rival:
        for method, path in (("GET", "events"), ("POST", "events/token")):
            refused = await rival.request(method, f"/v1/jobs/{job_id}/{path}")
            assert (refused.status_code, refused.json()["code"]) == (404, "not-found")


async def test_an_unknown_parameter_is_refused(api: Api) -> None:
    refused = await api.client.get(f"/v1/jobs/{await ended_job(api)}/events?since=3")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "?since")


async def test_what_happens_while_one_looks_on_arrives_once_and_in_order(api: Api) -> None:
    items = 240  # more than two pages
    job_id = str((await api.post_job(items, operation="echo"))["id"])
    [task, *others] = await api.rows(sa.select(tables.tasks).where(tables.tasks.c.job_id == job_id))
    ends = [completed(n, f"i{n}", "text", f"acme/{job_id}/0-1/{n}/echo.txt") for n in range(items)]

    async def work() -> None:
        for start in range(0, items, 8):
            await asyncio.gather(*(api.end_items(job_id, [end]) for end in ends[start : start + 8]))

    working = asyncio.create_task(work())
    followers = [asyncio.create_task(all_of(api, job_id)) for _ in range(4)]
    seen: list[Event] = []
    while not seen or seen[-1].data["status"] != "COMPLETED" or seen[-1].kind != "status":
        seen += await cut_off_after(api, job_id, 17, seen[-1].id if seen else None)
    await working
    everything = stored(await all_of(api, job_id))
    assert sorted(told for kind, told in everything if kind == "item") == sorted((e.id, "COMPLETED") for e in ends)
    assert stored(seen) == everything
    for follower in followers:
        assert stored(await follower) == everything
    assert len(others) + 1 == len({row.id for row in [task, *others]})


async def cut_off_after(api: Api, job_id: str, count: int, last_id: str | None) -> list[Event]:
    """Read at most `count` events of the history, then hang up."""
    headers = {"last-event-id": last_id} if last_id else {}
    seen: list[Event] = []
    async with following(api.client, f"/v1/jobs/{job_id}/events", headers=headers) as reader:
        async for event in reader:
            if event.kind != "progress":
                seen.append(event)
            if len(seen) == count:
                break
    return seen


async def test_a_change_that_another_process_makes_is_seen(api: Api) -> None:
    job_id = str((await api.post_job())["id"])
    async with following(api.client, f"/v1/jobs/{job_id}/events") as reader:
        await reader.next()
        services = api.services
        [task] = await api.rows(sa.select(tables.tasks.c.id).where(tables.tasks.c.job_id == job_id))

        def end(connection: sa.Connection) -> bool:
            connection.execute(tables.tasks.update().values(status="ACTIVE"))
            return settling.commit_items(connection, services.announce, task.id, 0, [failed(0, "i0")], 5)

        assert await services.store.write(end)  # and nobody announces it here
        rest = [event async for event in reader if event.kind != "progress"]
    assert stored(rest) == [("item", ("i0", "FAILED")), ("status", "FAILED")]


async def test_progress_comes_as_it_changes_without_a_number(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PROGRESS_EVERY_S", 0.05)
    job_id = str((await api.post_job())["id"])
    async with following(api.client, f"/v1/jobs/{job_id}/events") as reader:
        first, waiting = await reader.next(), await reader.next()
        assert (waiting.kind, waiting.data["stage"], waiting.id) == ("progress", "queue", first.id)
        await report(api, job_id, seq=1, percent=40.0)
        assert (await reader.next()).data["percent"] == 40.0
        await report(api, job_id, seq=2, percent=40.0)
        await report(api, job_id, seq=3, percent=60.0)
        assert (await reader.next()).data["percent"] == 60.0
        await api.end_items(job_id, [failed(0, "i0")])
        assert [event.kind for event in await reader.rest()] == ["item", "status"]


async def report(api: Api, job_id: str, seq: int, percent: float) -> None:
    snapshot = {"version": 1, "seq": seq, "stage": "encode", "percent": percent, "committed": []}

    def save(connection: sa.Connection) -> None:
        connection.execute(tables.tasks.update().where(tables.tasks.c.job_id == job_id).values(progress=snapshot))
        connection.execute(
            tables.jobs.update().where(tables.jobs.c.id == job_id).values(version=tables.jobs.c.version + 1)
        )

    await api.services.store.write(save)
    api.services.changes.announce(job_id)


async def test_progress_comes_no_oftener_than_it_may(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PROGRESS_EVERY_S", 0.4)
    job_id = str((await api.post_job())["id"])
    reading = asyncio.create_task(all_of(api, job_id))
    for n in range(1, 101):
        await report(api, job_id, n, float(n))
        await asyncio.sleep(0.01)
    took_at_most = 3.0
    await asyncio.sleep(0.5)
    await api.end_items(job_id, [failed(0, "i0")])
    shown = [event.data["percent"] for event in await reading if event.kind == "progress"]
    assert shown[-1] == 100.0  # the last of a burst is not lost
    assert 2 <= len(shown) <= took_at_most / 0.4 + 2


async def test_a_silent_stream_is_kept_alive(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    job_id = str((await api.post_job())["id"])
    async with following(api.client, f"/v1/jobs/{job_id}/events") as reader:
        reading = asyncio.create_task(reader.rest())
        await until(lambda: len(reader.comments) >= 3)
        await api.end_items(job_id, [failed(0, "i0")])
        assert stored(await reading)[-1] == ("status", "FAILED")
