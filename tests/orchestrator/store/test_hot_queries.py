"""What is asked every second costs no more after a year: counted in the database's own steps, not in time."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from orchestrator.store import attempts, reading, settling, tables
from orchestrator.store.store import Store
from tests.orchestrator.store.stored_jobs import open_store

HISTORY = 4000
TENANT = {"tenant": "acme"}

QUERIES: dict[str, Callable[[Connection], object]] = {
    "attempts in flight": lambda c: settling.attempts_in_flight(c),
    "how many are in flight": lambda c: attempts.count_in_flight(c, "local"),
    "waiting tasks": lambda c: attempts.waiting_tasks(c, 1, 10),
    "expired tasks": lambda c: attempts.expired_tasks(c, 1),
    "interrupted submits": lambda c: attempts.mark_interrupted_unknown(c),
    "open items": lambda c: settling.open_items(c, "task_1"),
    "open jobs": lambda c: reading.open_jobs_by_status(c),
    "one job": lambda c: reading.job_row(c, "acme", "job_1"),
    "newest jobs": lambda c: reading.job_rows(c, "acme", reading.JobFilter(), 10),
    "items of a job": lambda c: reading.item_rows(c, "acme", "job_1", 100),
    "tasks of a job": lambda c: reading.task_rows(c, "acme", "job_1"),
    "an output": lambda c: reading.output_row(c, "job_1", 0, "text"),
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("name", QUERIES)
async def test_a_hot_query_reads_no_history(store: Store, name: str) -> None:
    await store.write(lambda c: insert_history(c, 0, 40))
    before = await store.write(lambda c: steps(c, QUERIES[name]))
    await store.write(lambda c: insert_history(c, 40, HISTORY))
    after = await store.write(lambda c: steps(c, QUERIES[name]))
    assert after <= 2 * before + 200


async def test_tasks_that_wait_are_not_all_looked_through_for_those_that_waited_too_long(store: Store) -> None:
    await store.write(lambda c: insert_history(c, 0, HISTORY, status="WAITING"))
    assert await store.write(lambda c: steps(c, QUERIES["expired tasks"])) < 1000


def steps(connection: Connection, query: Callable[[Connection], object]) -> int:
    """Return how many instructions SQLite's machine runs for `query`, to the next ten."""
    raw: Any = connection.connection.dbapi_connection
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 10
        return 0

    raw.set_progress_handler(count, 10)
    try:
        query(connection)
    finally:
        raw.set_progress_handler(None, 0)
    return counted


def insert_history(connection: Connection, start: int, end: int, status: str = "ENDED") -> None:
    """Write jobs that ended, of one item, task and attempt each; with another `status`, tasks that did not end."""
    numbers = range(start, end)
    times: dict[str, Any] = {"created_ms": 1, "queue_deadline_ms": 10**13}
    job = {"key_id": "k", "operation": "echo", "operation_version": 1, "status": "COMPLETED", "labels": {}}
    item = {"item_id": "a", "status": "COMPLETED", "params": {}, "outputs": {}, "result": {}}
    connection.execute(
        tables.jobs.insert(),
        [{"id": f"job_{i}", **TENANT, **job, **times, "priority": 1, "items_total": 1} for i in numbers],
    )
    connection.execute(
        tables.items.insert(),
        [{"job_id": f"job_{i}", "n": 0, **TENANT, **item, "task_id": f"task_{i}"} for i in numbers],
    )
    task = {"n": 0, "status": status, "priority": 1, "cost_s": 1.0, "items_total": 1}
    connection.execute(
        tables.tasks.insert(), [{"id": f"task_{i}", "job_id": f"job_{i}", **TENANT, **task, **times} for i in numbers]
    )
    attempt = {"n": 1, "endpoint": "local", "state": "ENDED", "item_ns": [0], "submitted_ms": 1, "deadline_ms": 2}
    connection.execute(
        tables.attempts.insert(),
        [{"task_id": f"task_{i}", "job_id": f"job_{i}", **TENANT, **attempt, "provider_id": f"p{i}"} for i in numbers],
    )
