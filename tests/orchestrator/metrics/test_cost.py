"""What a scrape costs does not grow with what has been: counted in the database's own steps."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from orchestrator.metrics import census, tally
from orchestrator.metrics.instruments import Metrics
from orchestrator.store import tables
from orchestrator.store.store import Store
from tests.orchestrator.metrics.scraping import value
from tests.orchestrator.store.stored_jobs import open_store
from tests.orchestrator.store.test_hot_queries import HISTORY, insert_history, steps


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path) as opened:
        yield opened


async def test_a_census_reads_no_history(store: Store) -> None:
    await store.write(lambda c: insert_history(c, 0, 40))
    await store.write(lambda c: insert_sent(c, 0, 40))
    before = await store.write(lambda c: steps(c, census.count))
    await store.write(lambda c: insert_history(c, 40, HISTORY))
    await store.write(lambda c: insert_sent(c, 40, HISTORY))
    assert await store.write(lambda c: steps(c, census.count)) <= 2 * before + 200


async def test_a_tally_reads_what_is_new_and_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "EVENTS_AT_ONCE", 7)
    metrics, counting = Metrics(), tally.Tally()
    await store.write(lambda c: insert_history(c, 0, 60))
    await store.write(lambda c: insert_events(c, 0, 10))
    await counting.tick(store, metrics, "USD")
    await store.write(lambda c: insert_events(c, 10, 60))
    for _ in range(2):
        await counting.tick(store, metrics, "USD")
        told = {family.name: family for family in metrics.registry.collect()}
        assert value(told, "revela_jobs_ended_total", operation="echo", status="COMPLETED") == 50
        assert value(told, "revela_items_ended_total", operation="echo", status="COMPLETED") == 50


async def test_new_events_are_found_without_the_old(store: Store) -> None:
    await store.write(lambda c: insert_history(c, 0, HISTORY))
    await store.write(lambda c: insert_events(c, 0, HISTORY))
    last = 2 * HISTORY
    assert await store.write(lambda c: steps(c, lambda c: tally.read_span(c, last - 10, last))) < 1000


def insert_events(connection: Connection, start: int, end: int) -> None:
    """Write the end of jobs and of their one item each."""
    both = [("item", {"id": "a", "status": "COMPLETED"}), ("status", {"status": "COMPLETED"})]
    connection.execute(
        tables.events.insert(),
        [
            {"tenant": "acme", "job_id": f"job_{n}", "type": kind, "data": data, "at_ms": 1}
            for n in range(start, end)
            for kind, data in both
        ],
    )


def insert_sent(connection: Connection, start: int, end: int) -> None:
    """Write webhooks that were delivered, all of one lane that has one more to send."""
    if not start:
        target = {"lane": "l", "tenant": "acme", "url": "https://a.example", "next_ms": 1}
        connection.execute(tables.webhook_targets.insert(), target)
    event = {
        "tenant": "acme",
        "job_id": "j",
        "type": "job.completed",
        "lane": "l",
        "url": "u",
        "body": "",
        "created_ms": 1,
        "round_ms": 1,
    }
    connection.execute(
        tables.outbox.insert(), [{"id": f"evt_{n}", **event, "state": "DELIVERED"} for n in range(start, end)]
    )
