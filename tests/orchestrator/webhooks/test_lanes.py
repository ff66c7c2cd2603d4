"""Lanes: order within one address, independence between addresses, and a cost that does not grow with what waits."""

import asyncio
import statistics
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store import tables
from orchestrator.webhooks.choose import choose
from orchestrator.webhooks.lanes import CANDIDATES, NewEvent, add_event, host_of, lane_of
from orchestrator.webhooks.slots import Bounds, Slots
from orchestrator.webhooks.tries import Try, record_try
from shared.wire.status import Status
from tests.orchestrator.api.running import eventually
from tests.orchestrator.store.stored_jobs import open_store
from tests.orchestrator.store.test_hot_queries import steps
from tests.orchestrator.webhooks.posting import Posting, posting
from tests.orchestrator.webhooks.receiver import HANG, receiving
from tests.waiting import until

BACKLOG = 10_000


async def test_events_to_one_address_arrive_one_at_a_time_and_in_order(post: Posting) -> None:
    jobs = []
    for _ in range(6):
        jobs.append(await post.ended_job())
        post.api.clock.advance(0.001)
    await post.deliver()
    assert [got.verified(await post.secret())["data"]["job"]["id"] for got in post.receiver.got] == jobs
    assert post.receiver.most_in_hand == 1


async def test_a_start_is_told_before_the_end_though_both_happen_at_once(post: Posting) -> None:
    for _ in range(5):
        job = await post.api.post_job(webhook=post.receiver.url(), webhook_events=["job.started", "job.cancelled"])
        await post.api.services.store.write(partial(announce_start, post=post, job_id=job["id"]))
        await post.api.client.post(f"/v1/jobs/{job['id']}/cancel")
    await post.deliver()
    secret = await post.secret()
    assert [got.verified(secret)["type"] for got in post.receiver.got] == ["job.started", "job.cancelled"] * 5


def announce_start(connection: Connection, post: Posting, job_id: str) -> None:
    post.api.services.announce(connection, "acme", job_id, Status.IN_PROGRESS, post.api.clock.now_ms())


async def test_a_receiver_that_hangs_delays_no_other(post: Posting) -> None:
    gate = post.receiver.gates["/slow"] = asyncio.Event()
    slow = await post.ended_job(path="/slow")
    quick = [await post.ended_job(path=f"/quick{n}") for n in range(3)]
    await post.tick()
    for job_id in quick:
        await eventually(partial(state_of, post, job_id), "DELIVERED")
    assert (await post.only_delivery(slow))["tries"] == []
    gate.set()
    await post.landed()
    assert (await post.only_delivery(slow))["state"] == "DELIVERED"


async def test_addresses_that_hang_leave_places_to_those_that_do_not(tmp_path: Path, database: Path) -> None:
    bounds = Bounds(in_all=4, per_tenant=2, timeout_s=0.2)
    async with receiving() as good, posting(tmp_path, database, bounds, allow_private_sources="127.0.0.1") as post:
        await post.ended_job(at=good)
        await post.deliver()
        for n in range(6):
            post.receiver.say(HANG, path=f"/job{n}")
            await post.ended_job(path=f"/job{n}")
        await post.tick()
        assert post.deliverer.under_way == 1  # of two places, one is for hosts that are not proven
        job_id = await post.ended_job(path="/other", at=good)
        await post.tick()
        assert post.deliverer.under_way == 2
        await eventually(partial(state_of, post, job_id), "DELIVERED")
        await post.landed()
        for _ in range(4):
            await post.deliver(after_s=3)
        assert {got.path for got in post.receiver.got} == {f"/job{n}" for n in range(6)}
        assert (await post.states()).count("WAITING") == 6
        post.api.clock.advance(3600)
        await post.tick()
        assert post.deliverer.under_way == 1
        await post.landed()


async def test_a_host_that_answers_gets_all_places_and_loses_them_when_it_hangs(tmp_path: Path, database: Path) -> None:
    async with posting(tmp_path, database, Bounds(in_all=8, per_tenant=8, timeout_s=0.2)) as post:
        under_way = []
        for turn in range(3):
            for n in range(6):
                if turn:
                    post.receiver.say(HANG, path=f"/{turn}{n}")
                await post.ended_job(path=f"/{turn}{n}")
            await post.tick()
            under_way.append(post.deliverer.under_way)
            await post.deliver()
        assert under_way == [1, 6, 1]


async def test_addresses_never_tried_of_many_tenants_leave_out_no_other(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        for n in range(8):
            await store.write(partial(add_addresses, count=8, tenant=f"hanging{n}", at_ms=1))
        await store.write(lambda c: add_addresses(c, 8, tenant="proven", at_ms=2))
        await store.write(lambda c: add_addresses(c, 8, tenant="new", at_ms=2))
        proven = [host_of("proven", "https://hooks.example/")]
        choice = await store.read(lambda c: choose(c, 5, Slots(Bounds()), (), proven))
    chosen = Counter(chosen.event.tenant for chosen in choice.chosen)
    assert chosen["proven"] == 8
    assert chosen["new"] >= 1
    assert chosen.total() - 8 <= Bounds().in_all // 2
    assert {chosen.event.tenant for chosen in choice.chosen if not chosen.doubtful} == {"proven"}


async def test_many_events_for_a_dead_address_delay_nobody_else(post: Posting) -> None:
    """F19: the others' deliveries take as long beside 10 000 waiting ones as alone."""
    post.receiver.say(HANG, path="/dead")
    alone_s = await delivery_times_s(post)
    await post.api.services.store.write(lambda c: add_backlog(c, post.receiver.url("/dead"), post.api.clock.now_ms()))
    await post.tick()
    assert post.deliverer.under_way == 1
    beside_s = await delivery_times_s(post)
    assert statistics.median(beside_s) <= 3 * statistics.median(alone_s)
    assert (await post.states()).count("WAITING") == BACKLOG
    assert len(post.receiver.at("/dead")) == 1


async def state_of(post: Posting, job_id: str) -> str:
    """Return how a job's only event stands."""
    return str((await post.only_delivery(job_id))["state"])


async def test_a_tenant_with_very_many_addresses_hides_no_other(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await store.write(lambda c: add_addresses(c, 3 * CANDIDATES, tenant="acme", at_ms=1))
        await store.write(lambda c: add_addresses(c, 3 * CANDIDATES, tenant="beta", at_ms=2))
        await store.write(lambda c: add_addresses(c, 3, tenant="late", at_ms=3))
        bounds = Bounds(in_all=64, per_tenant=8)
        proven = [host_of(tenant, "https://hooks.example/") for tenant in ("acme", "beta", "late")]
        choice = await store.read(lambda c: choose(c, 5, Slots(bounds), (), proven))
        assert Counter(chosen.event.tenant for chosen in choice.chosen) == {"acme": 8, "beta": 8, "late": 3}
        busy = [chosen.event.lane for chosen in choice.chosen]
        again = await store.read(lambda c: choose(c, 5, Slots(bounds), busy, proven))
        assert not {chosen.event.lane for chosen in again.chosen} & set(busy)


@pytest.mark.parametrize("doubtful", [False, True])
async def test_a_look_is_cheap_beside_very_many_addresses(tmp_path: Path, *, doubtful: bool) -> None:
    async with open_store(tmp_path) as store:
        await store.write(lambda c: add_addresses(c, BACKLOG, tenant="acme", at_ms=1))
        await store.write(lambda c: add_addresses(c, 1, tenant="late", at_ms=2))
        taken = [("acme", doubtful)] * Bounds().per_tenant

        def look(connection: Connection) -> None:
            choice = choose(connection, 5, Slots.taken_by(Bounds(), taken), (), ())
            assert [chosen.event.tenant for chosen in choice.chosen] == ["late"]

        assert await store.write(lambda c: steps(c, look)) < 20 * BACKLOG


def add_addresses(connection: Connection, count: int, *, tenant: str, at_ms: int) -> None:
    """Write events of one tenant for so many addresses."""
    urls = [f"https://hooks.example/{n}" for n in range(count)]
    rows = [event_row(f"{tenant}_{n}", tenant, url, at_ms) for n, url in enumerate(urls)]
    connection.execute(tables.outbox.insert(), rows)
    lanes = [{"lane": lane_of(tenant, url), "tenant": tenant, "url": url, "next_ms": at_ms} for url in urls]
    connection.execute(tables.webhook_targets.insert(), lanes)


async def delivery_times_s(post: Posting) -> list[float]:
    """Return how long each of some deliveries took from its event's writing to its arrival."""
    loop, times_s = asyncio.get_running_loop(), []
    for n in range(15):
        path = f"/live{n % 3}"
        before, now_ms = len(post.receiver.at(path)), post.api.clock.now_ms()
        add = partial(add_events, count=1, at_ms=now_ms, tenant="other", url=post.receiver.url(path))
        started_s = loop.time()
        await post.api.services.store.write(add)
        await post.tick()
        await until(lambda path=path, before=before: len(post.receiver.at(path)) > before)  # type: ignore[misc]
        times_s.append(post.receiver.at(path)[-1].at_s - started_s)
        await until(lambda: post.deliverer.under_way <= 1)
    return times_s


def add_backlog(connection: Connection, url: str, now_ms: int) -> None:
    add_events(connection, BACKLOG, now_ms, tenant="acme", url=url)


def add_events(connection: Connection, count: int, at_ms: int, *, tenant: str, url: str) -> None:
    """Write events without jobs: one by the way that all take, the rest of its lane in one go."""
    start = connection.execute(sa.select(sa.func.max(tables.outbox.c.seq))).scalar() or 0
    add_event(connection, NewEvent(f"evt_{start}", tenant, "job_0", "job.completed", url, "{}", at_ms))
    if count > 1:
        rows = [event_row(f"evt_{start + n}", tenant, url, at_ms) for n in range(1, count)]
        connection.execute(tables.outbox.insert(), rows)


def event_row(event_id: str, tenant: str, url: str, at_ms: int) -> dict[str, object]:
    """Return an event that waits."""
    return {
        "id": event_id,
        "tenant": tenant,
        "job_id": "job_0",
        "type": "job.completed",
        "lane": lane_of(tenant, url),
        "url": url,
        "body": "{}",
        "state": "WAITING",
        "created_ms": at_ms,
        "round_ms": at_ms,
        "next_try_ms": at_ms,
    }


LOOKS: dict[str, Callable[[Connection], object]] = {
    "choosing": lambda c: choose(c, 10, Slots(Bounds()), (), ()),
    "announcing": lambda c: add_events(c, 1, 5, tenant="acme", url="https://dead.example/"),
    "recording a failure": lambda c: record(c, 500),
    "recording a success": lambda c: record(c, 200),
}


def record(connection: Connection, http_status: int) -> None:
    event = choose(connection, 10**13, Slots(Bounds()), (), ()).chosen[0].event
    record_try(connection, event, Try(f"try_{event.id}", 5, 1, http_status), 5, 0.5)


@pytest.mark.parametrize("name", LOOKS)
async def test_what_is_done_for_each_event_reads_no_backlog_and_no_history(tmp_path: Path, name: str) -> None:
    async with open_store(tmp_path) as store:
        await store.write(lambda c: add_history(c, 50))
        before = await store.write(lambda c: steps(c, LOOKS[name]))
        await store.write(lambda c: add_history(c, 5000))
        after = await store.write(lambda c: steps(c, LOOKS[name]))
    assert after <= 2 * before + 200


def add_history(connection: Connection, count: int) -> None:
    """Write events that wait, and as many that were delivered."""
    for tenant in ("acme", "other"):
        add_events(connection, count, 5, tenant=tenant, url="https://dead.example/")
    add_events(connection, count, 1, tenant="old", url="https://dead.example/")
    old = lane_of("old", "https://dead.example/")
    done = {"state": "DELIVERED", "next_try_ms": None}
    connection.execute(tables.outbox.update().where(tables.outbox.c.lane == old).values(done))
    connection.execute(tables.webhook_targets.delete().where(tables.webhook_targets.c.lane == old))
