"""The way into the database."""

import asyncio
import threading
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.migrate import upgrade
from orchestrator.store.store import Store
from shared.errors import StoreUnavailable
from shared.refusals import Conflict


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    url = f"sqlite:///{tmp_path / 'revela.db'}"
    upgrade(url)
    opened = Store(url)
    await opened.write(lambda c: c.execute(sa.text("CREATE TABLE t (n INTEGER PRIMARY KEY)")))
    yield opened
    await opened.close()


def insert(n: int) -> "sa.TextClause":
    return sa.text(f"INSERT INTO t VALUES ({n})")


async def rows(store: Store) -> list[int]:
    return await store.read(lambda c: list(c.execute(sa.text("SELECT n FROM t ORDER BY n")).scalars()))


async def test_a_refused_write_undoes_itself_and_leaves_its_neighbours(store: Store) -> None:
    def refuse(connection: Connection) -> None:
        connection.execute(insert(2))
        raise Conflict

    outcomes = await asyncio.gather(
        store.write(lambda c: c.execute(insert(1))),
        store.write(refuse),
        store.write(lambda c: c.execute(insert(3))),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], Conflict)
    assert await rows(store) == [1, 3]


async def test_a_refusal_costs_its_neighbours_one_commit_more_and_not_one_each(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'revela.db'}"
    upgrade(url)
    store, gate, held_up, begun = Store(url), threading.Event(), threading.Event(), 0

    def refuse(_: Connection) -> None:
        raise Conflict

    @sa.event.listens_for(store._writer_engine, "begin")
    def _count(_: Connection) -> None:
        nonlocal begun
        begun += 1

    def hold(_: Connection) -> None:
        held_up.set()
        gate.wait(10)

    held = asyncio.ensure_future(store.write(hold))  # the ones behind it form one group
    await asyncio.to_thread(held_up.wait, 10)
    writes = [asyncio.ensure_future(store.write(refuse if n == 7 else lambda _: None)) for n in range(20)]
    await asyncio.sleep(0)
    gate.set()
    done = await asyncio.gather(held, *writes, return_exceptions=True)
    await store.close()
    assert [n for n, value in enumerate(done[1:]) if isinstance(value, Conflict)] == [7]
    assert begun == 3


async def test_a_database_error_does_not_escape(store: Store) -> None:
    await store.write(lambda c: c.execute(insert(1)))
    with pytest.raises(StoreUnavailable):
        await store.write(lambda c: c.execute(insert(1)))
    with pytest.raises(StoreUnavailable):
        await store.read(lambda c: c.execute(sa.text("SELECT * FROM nothing")))


async def test_what_a_statement_was_given_stands_in_no_error_of_the_database(store: Store) -> None:
    await store.write(lambda c: c.execute(insert(1)))
    failing = sa.text("INSERT INTO t VALUES (:n + 0 * length(:secret))")
    given = {"n": 1, "secret": "whsec_hidden"}
    with pytest.raises(StoreUnavailable) as written:
        await store.write(lambda c: c.execute(failing, given))
    with pytest.raises(StoreUnavailable) as read:
        await store.read(lambda c: c.execute(sa.text("SELECT :secret FROM nothing"), given))
    for failed in (written, read):
        told = "".join(traceback.format_exception(failed.value))
        assert "sqlalchemy" in told
        assert "whsec_hidden" not in told


async def test_a_full_database_refuses_and_recovers(store: Store) -> None:
    await store.write(lambda c: c.execute(sa.text("CREATE TABLE big (b BLOB)")))
    pages = await store.write(lambda c: c.execute(sa.text("PRAGMA page_count")).scalar_one())
    await store.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}"))
    with pytest.raises(StoreUnavailable):
        await store.write(lambda c: c.execute(sa.text("INSERT INTO big VALUES (zeroblob(1000000))")))
    await store.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1073741823"))
    await store.write(lambda c: c.execute(sa.text("INSERT INTO big VALUES (zeroblob(1000000))")))
    assert await store.read(lambda c: c.execute(sa.text("PRAGMA integrity_check")).scalar()) == "ok"


async def test_a_write_is_never_told_as_done_when_a_neighbours_failure_ended_their_transaction(store: Store) -> None:
    await store.write(lambda c: c.execute(sa.text("CREATE TABLE big (b BLOB)")))
    pages = await store.write(lambda c: c.execute(sa.text("PRAGMA page_count")).scalar_one())
    await store.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}"))
    gate = threading.Event()
    held = asyncio.ensure_future(store.write(lambda _: gate.wait(10)))  # the three behind it form one group
    statements = insert(1), sa.text("INSERT INTO big VALUES (zeroblob(1000000))"), insert(3)
    writes = [asyncio.ensure_future(store.write(lambda c, s=s: c.execute(s))) for s in statements]  # type: ignore[misc]
    await asyncio.sleep(0)
    gate.set()
    await held
    first, full, third = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(full, StoreUnavailable)
    assert not isinstance(first, BaseException)
    assert not isinstance(third, BaseException)
    assert await rows(store) == [1, 3]


def test_a_caller_whose_event_loop_has_ended_does_not_stop_the_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'revela.db'}"
    upgrade(url)
    opened, gate = Store(url), threading.Event()

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await opened.write(lambda _: gate.wait(10))

    asyncio.run(leave())
    gate.set()

    async def go_on() -> None:
        async with asyncio.timeout(10):
            await opened.write(lambda c: c.execute(sa.text("CREATE TABLE t (n INTEGER PRIMARY KEY)")))
            await opened.close()

    asyncio.run(go_on())


async def test_a_glance_sees_what_is_committed_and_nothing_else(store: Store) -> None:
    await store.write(lambda c: c.execute(insert(1)))
    assert await store.glance(lambda c: list(c.execute(sa.text("SELECT n FROM t")).scalars())) == [1]
    gate, began = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        connection.execute(insert(2))
        began.set()
        gate.wait(10)

    writing = asyncio.ensure_future(store.write(slow))
    assert await asyncio.to_thread(began.wait, 10)
    for _ in range(2):
        assert await store.glance(lambda c: list(c.execute(sa.text("SELECT n FROM t")).scalars())) == [1]
    gate.set()
    await writing
    assert await store.glance(lambda c: list(c.execute(sa.text("SELECT n FROM t")).scalars())) == [1, 2]


async def test_a_glance_is_one_snapshot_and_refuses_as_a_read_does(store: Store) -> None:
    def refuse(connection: Connection) -> None:
        connection.execute(sa.text("SELECT n FROM t"))
        raise Conflict

    for _ in range(2):
        with pytest.raises(Conflict):
            await store.glance(refuse)
        with pytest.raises(StoreUnavailable):
            await store.glance(lambda c: c.execute(sa.text("SELECT * FROM nothing")))
    assert await store.glance(lambda c: c.execute(sa.text("SELECT count(*) FROM t")).scalar()) == 0


async def test_a_glance_waits_for_no_lock(store: Store) -> None:
    assert await store.glance(lambda c: c.execute(sa.text("PRAGMA busy_timeout")).scalar()) == 0
    assert await store.read(lambda c: c.execute(sa.text("PRAGMA busy_timeout")).scalar()) == 5000


async def test_many_writers_lose_nothing(store: Store) -> None:
    await asyncio.gather(*(store.write(lambda c, n=n: c.execute(insert(n))) for n in range(500)))  # type: ignore[misc]
    assert await rows(store) == list(range(500))


async def test_a_commit_is_synced_to_disk(store: Store) -> None:
    for way in (store.write, store.read):
        assert await way(lambda c: c.execute(sa.text("PRAGMA synchronous")).scalar()) == 2
        assert await way(lambda c: c.execute(sa.text("PRAGMA journal_mode")).scalar()) == "wal"


async def test_a_cancelled_caller_does_not_stop_the_writer(store: Store) -> None:
    writing = asyncio.ensure_future(store.write(lambda c: c.execute(insert(1))))
    await asyncio.sleep(0)
    writing.cancel()
    await store.write(lambda c: c.execute(insert(2)))
    assert 2 in await rows(store)
