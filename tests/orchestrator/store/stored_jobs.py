"""Jobs in a real database, for tests of what happens to them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orchestrator.caller import Caller
from orchestrator.jobs.accept import AcceptedJob, accept_job
from orchestrator.settings import Settings
from orchestrator.store import tables
from orchestrator.store.attempts import OpenedAttempt, open_attempt, waiting_tasks
from orchestrator.store.migrate import upgrade
from orchestrator.store.store import Store
from orchestrator.store.submit import insert_job
from shared.catalogue import Catalogue
from shared.clock import ManualClock
from shared.ids import KeyId, Tenant
from shared.wire.status import Status

CALLER = Caller(Tenant("acme"), KeyId("key"), frozenset())
ENDPOINT = "fake"


def nobody(connection: sa.Connection, tenant: str, job_id: str, status: Status, at_ms: int) -> None:
    """Stand where a webhook's event would be written."""


@asynccontextmanager
async def open_store(folder: Path) -> AsyncIterator[Store]:
    """Yield a migrated store in `folder`."""
    url = f"sqlite:///{folder / 'revela.db'}"
    upgrade(url)
    store = Store(url)
    try:
        yield store
    finally:
        await store.close()


async def store_job(store: Store, clock: ManualClock, items: int = 2, **fields: Any) -> AcceptedJob:
    """Store a job of `items` echoes, in one task."""
    body = {"operation": "echo", "items": [{"id": f"i{n}"} for n in range(items)], **fields}
    accepted = accept_job(
        body,
        catalogue=Catalogue.discover(("tests.broken",)),
        caller=CALLER,
        settings=Settings(_env_file=None),
        clock=clock,
    )
    await store.write(lambda c: insert_job(c, accepted))
    return accepted


async def start_attempt(store: Store, clock: ManualClock) -> OpenedAttempt:
    """Open an attempt of the only task that waits."""
    [task] = await store.read(lambda c: waiting_tasks(c, clock.now_ms(), 10))
    opened = await store.write(lambda c: open_attempt(c, task, ENDPOINT, clock.now_ms(), least_execution_s=60))
    assert opened is not None
    return opened


async def job_row(store: Store, job_id: str) -> Any:
    """Return the job as it stands."""
    return await store.read(lambda c: c.execute(sa.select(tables.jobs).where(tables.jobs.c.id == job_id)).one())


async def item_rows(store: Store, job_id: str) -> list[Any]:
    """Return the job's items as they stand."""
    query = sa.select(tables.items).where(tables.items.c.job_id == job_id).order_by(tables.items.c.n)
    return await store.read(lambda c: list(c.execute(query)))


async def events(store: Store, job_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the job's history."""
    query = sa.select(tables.events.c.type, tables.events.c.data).where(tables.events.c.job_id == job_id)
    return await store.read(lambda c: [(row.type, row.data) for row in c.execute(query.order_by(tables.events.c.seq))])
