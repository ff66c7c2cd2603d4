"""The API on a real socket, with a real database, disk storage and endpoint client, and ways to move its jobs on."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from orchestrator.api.door.access import RequestLog
from orchestrator.api.door.problems import exception_handlers
from orchestrator.api.routes import routes
from orchestrator.dispatch.runpod import RunPodEndpoint
from orchestrator.jobs.settle import ItemEnd
from orchestrator.keys import DEFAULT_SCOPES, CreatedKey, create_key
from orchestrator.metrics.requests import RequestMetrics
from orchestrator.services import Services, awaited_in
from orchestrator.settings import Settings
from orchestrator.storage.disk import DiskStorage
from orchestrator.storage.disk_guard import DiskGuard
from orchestrator.store import tables
from orchestrator.store.migrate import upgrade
from orchestrator.store.settling import commit_items
from orchestrator.store.store import Store
from orchestrator.views import Links
from orchestrator.webhooks.outbox import Outbox
from shared.catalogue import Catalogue
from shared.clock import ManualClock
from shared.signing import Signer
from shared.wire.status import Status
from tests.fake_runpod import API_KEY, FakeRunPod
from tests.serving import serving_here

PUBLIC_URL = "https://media.example"
IMAGE = "https://example.com/a.jpg"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated, empty database to copy from."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    upgrade(f"sqlite:///{path}")
    return path


@dataclass(frozen=True)
class Api:
    """A running server and a client that holds a key of the tenant `acme`."""

    url: str
    client: httpx.AsyncClient
    key: CreatedKey
    app: Starlette
    services: Services
    clock: ManualClock
    runpod: FakeRunPod
    folder: Path

    @asynccontextmanager
    async def as_tenant(self, tenant: str, scopes: Sequence[str] = DEFAULT_SCOPES) -> AsyncIterator[httpx.AsyncClient]:
        """Yield a client with a fresh key."""
        services = self.services
        key = await create_key(services.store, services.signer, self.clock, "test", tenant, scopes)
        async with httpx.AsyncClient(base_url=self.url, headers={"x-api-key": key.key}) as client:
            yield client

    async def post_job(self, items: int = 1, **fields: Any) -> dict[str, Any]:
        """Hand in a job of echoes; return what was answered."""
        body = {"operation": "echo", "items": [{"id": f"i{n}"} for n in range(items)], **fields}
        answer = await self.client.post("/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        return job

    async def rows(self, query: sa.Select[Any]) -> list[Any]:
        """Return what a query finds."""
        return await self.services.store.read(lambda c: list(c.execute(query)))

    async def count(self, table: sa.Table) -> int:
        """Return how many rows a table has."""
        [(count,)] = await self.rows(sa.select(sa.func.count()).select_from(table))
        return int(count)

    async def end_items(self, job_id: str, ends: Sequence[ItemEnd], *, still_waiting: bool = False) -> None:
        """End items of a job, as the relay does for the first task's, and announce it."""
        services = self.services
        [task, *_] = await self.rows(sa.select(tables.tasks.c.id).where(tables.tasks.c.job_id == job_id))

        def end(connection: sa.Connection) -> bool:
            connection.execute(tables.tasks.update().where(tables.tasks.c.id == task.id).values(status="ACTIVE"))
            committed = commit_items(connection, services.announce, task.id, 0, ends, self.clock.now_ms())
            if still_waiting:
                connection.execute(tables.tasks.update().where(tables.tasks.c.id == task.id).values(status="WAITING"))
            return committed

        assert await services.store.write(end)
        services.changes.announce(job_id)

    async def finish_with_file(self, job_id: str, body: bytes, *, slot: str = "text", name: str = "echo.txt") -> str:
        """End a job of one item with a file in storage; return its link's path."""
        key = f"acme/{job_id}/0-1/0/{name}"
        await self.put_object(key, body)
        await self.end_items(job_id, [completed(0, "i0", slot, key, len(body))])
        job = (await self.client.get(f"/v1/jobs/{job_id}")).json()
        return path_of(job["items"][0]["output"][slot]["url"])

    async def put_object(self, key: str, body: bytes) -> None:
        """Upload as a worker does."""
        grant = self.services.storage.grant_upload(key, "text/plain", 1 << 30, self.clock.now_ms() + 60_000)
        async with httpx.AsyncClient(base_url=self.url) as worker:
            answer = await worker.put(path_of(grant.url), content=body, headers=grant.headers)
        assert answer.status_code == 200, answer.text


def completed(n: int, item_id: str, slot: str, key: str, size_bytes: int = 3) -> ItemEnd:
    """Return the end of an item that made one file."""
    stored = {
        "key": key,
        "content_type": "text/plain",
        "size_bytes": size_bytes,
        "sha256": f"{n:064x}",
        "facts": {"characters": size_bytes},
    }
    return ItemEnd(n, item_id, Status.COMPLETED, outputs={slot: stored}, result={"threads": 2})


def path_of(url: str) -> str:
    """Return a link's path, since the server under test listens elsewhere than its public address."""
    assert url.startswith(PUBLIC_URL)
    return urlsplit(url).path


@asynccontextmanager
async def running_api(
    folder: Path,
    database: Path,
    extra: Sequence[BaseRoute] = (),
    disk_guard: DiskGuard | None = None,
    **settings: Any,
) -> AsyncIterator[Api]:
    """Serve the API on a copy of `database`, without the loops that dispatch.

    Without rate limits unless a test sets them: the clock stands still, so no window would ever move on.
    """
    settings = {"rate_limit": "none", "failed_key_limit": "none", **settings}
    shutil.copy(database, folder / "revela.db")
    clock, fake = ManualClock(), FakeRunPod()
    chosen = Settings(_env_file=None, data_dir=folder, public_url=PUBLIC_URL, **settings)
    store, signer = Store(chosen.resolved_database_url), Signer(b"test secret")
    storage = DiskStorage(folder / "outputs", PUBLIC_URL, signer, clock, awaited_in(store))
    async with fake.serving() as endpoint_url:
        endpoint = RunPodEndpoint(endpoint_url, API_KEY, first_wait_s=0.01)
        catalogue, links = Catalogue.discover(("tests.broken",)), Links(signer, PUBLIC_URL, chosen.cdn_url)
        services = Services(chosen, clock, signer, links, catalogue, store, storage, endpoint, Outbox(links).announce)
        if disk_guard is not None:
            services = replace(services, disk_guard=disk_guard)
        app = Starlette(
            routes=[*routes(services), *extra],
            exception_handlers=exception_handlers(),
            middleware=[Middleware(RequestMetrics, services.metrics), Middleware(RequestLog)],
        )
        app.router.redirect_slashes = False
        key = await create_key(store, signer, clock, "test", "acme")
        try:
            async with (
                serving_here(app) as url,
                httpx.AsyncClient(base_url=url, headers={"x-api-key": key.key}, timeout=30) as client,
            ):
                yield Api(url, client, key, app, services, clock, fake, folder)
        finally:
            await endpoint.close()
            await store.close()
            await storage.close()


async def eventually(look: Callable[[], Awaitable[object]], wanted: object, timeout_s: float = 10) -> None:
    """Look again and again until `wanted` is seen."""
    end_s = time.monotonic() + timeout_s
    while (seen := await look()) != wanted:
        assert time.monotonic() < end_s, f"{seen!r} instead of {wanted!r}"
        await asyncio.sleep(0.01)
