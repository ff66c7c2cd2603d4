"""A data directory made ready: a key, worker tokens, and jobs that wait, stored by the server's own functions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from orchestrator.caller import Caller
from orchestrator.jobs.accept import AcceptedJob, accept_job
from orchestrator.keys import DEFAULT_SCOPES, create_key
from orchestrator.pool.pool import Pool
from orchestrator.settings import POOL_ENDPOINT, Settings
from orchestrator.store.migrate import upgrade
from orchestrator.store.store import Store
from orchestrator.store.submit import insert_job
from shared.catalogue import Catalogue
from shared.clock import SystemClock
from shared.ids import KeyId, Tenant

TENANT = Tenant("bench")
OPERATIONS = "tests.broken"
_PER_WRITE = 250


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a data directory holds."""

    key: str
    tokens: dict[str, str]
    """By worker's id."""
    job_ids: list[str]


def prepare(folder: Path, body: dict[str, Any], jobs: int, workers: Sequence[str]) -> Prepared:
    """Make a database in `folder` with a key, a token for each of `workers`, and `jobs` jobs like `body`."""
    settings = Settings(_env_file=None, data_dir=folder)
    upgrade(settings.resolved_database_url)
    return asyncio.run(_prepare(settings, body, jobs, workers))


async def _prepare(settings: Settings, body: dict[str, Any], jobs: int, workers: Sequence[str]) -> Prepared:
    clock, store = SystemClock(), Store(settings.resolved_database_url)
    pool = Pool(store, clock, POOL_ENDPOINT, ())
    try:
        created = await create_key(store, settings.signer(), clock, "bench", TENANT)
        caller = Caller(TENANT, KeyId(created.id), frozenset(DEFAULT_SCOPES))
        accept = partial(
            accept_job, body, catalogue=Catalogue.discover((OPERATIONS,)), caller=caller, settings=settings, clock=clock
        )
        tokens = {worker: await pool.issue_worker(worker) for worker in workers}
        return Prepared(created.key, tokens, await _store_jobs(store, [accept() for _ in range(jobs)]))
    finally:
        await pool.close()
        await store.close()


async def _store_jobs(store: Store, accepted: list[AcceptedJob]) -> list[str]:
    for start in range(0, len(accepted), _PER_WRITE):
        await store.write(partial(_insert, jobs=accepted[start : start + _PER_WRITE]))
    return [str(job.id) for job in accepted]


def _insert(connection: Connection, jobs: list[AcceptedJob]) -> None:
    for job in jobs:
        insert_job(connection, job)
