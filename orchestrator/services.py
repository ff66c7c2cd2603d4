"""Everything the orchestrator runs on, opened once; the only place that names concrete adapters."""

import asyncio
import os
import sys
from dataclasses import dataclass, field

from orchestrator.changes import Changes
from orchestrator.dispatch.port import Endpoint
from orchestrator.dispatch.runpod import RunPodEndpoint
from orchestrator.hints import Hints
from orchestrator.jobs.fairness import Turns
from orchestrator.metrics.instruments import Metrics
from orchestrator.metrics.tally import Tally
from orchestrator.pool.local_workers import LocalOptions
from orchestrator.pool.pool import Pool
from orchestrator.settings import POOL_ENDPOINT, Settings
from orchestrator.storage.choose import open_storage
from orchestrator.storage.disk_guard import DiskGuard, guard_of
from orchestrator.storage.port import Storage
from orchestrator.storage.receiving.receiver import Awaited
from orchestrator.store.events import Announce
from orchestrator.store.migrate import upgrade
from orchestrator.store.store import Store
from orchestrator.store.uploading.awaited import is_awaited
from orchestrator.streams import Streams
from orchestrator.views import Links
from orchestrator.webhooks.outbox import Outbox
from orchestrator.webhooks.wake import Wake
from shared.catalogue import Catalogue
from shared.clock import Clock, SteadyClock
from shared.signing import Signer


@dataclass(frozen=True)
class Services:
    """What routes and loops are given."""

    settings: Settings
    clock: Clock
    signer: Signer
    links: Links
    catalogue: Catalogue
    store: Store
    storage: Storage
    endpoint: Endpoint
    announce: Announce
    changes: Changes = field(default_factory=Changes)
    hints: Hints = field(default_factory=Hints)
    turns: Turns = field(default_factory=Turns)
    work_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there may be tasks to dispatch."""
    streams: Streams = field(default_factory=Streams)
    metrics: Metrics = field(default_factory=Metrics)
    tally: Tally = field(default_factory=Tally)
    submits_in_flight: set[tuple[str, str]] = field(default_factory=set)
    """(tenant, Idempotency-Key) of the requests that are being stored."""
    purge_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a deleted job's objects are to go."""
    disk_guard: DiskGuard = field(default_factory=DiskGuard)
    uploads_ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an upload's object is to go."""
    webhook_written: Wake = field(default_factory=Wake)
    """Set when an event waits to be sent."""


def open_services(settings: Settings, clock: Clock) -> Services:
    """Migrate the database if need be and return everything, open; SettingsError for a setting that can't work."""
    upgrade(settings.resolved_database_url)
    signer = settings.signer()
    links, metrics = Links(signer, settings.public_url, settings.cdn_url), Metrics()
    outbox = Outbox(links, settings.currency)
    store = Store(settings.resolved_database_url, metrics.committed)
    return Services(
        settings=settings,
        clock=clock,
        signer=signer,
        links=links,
        catalogue=Catalogue.discover(settings.extra_operations),
        store=store,
        storage=open_storage(settings.resolved_storage_url, settings.public_url, signer, clock, awaited_in(store)),
        endpoint=RunPodEndpoint(settings.resolved_endpoint_url, _endpoint_key(settings, signer)),
        announce=outbox.announce,
        webhook_written=outbox.written,
        metrics=metrics,
        disk_guard=guard_of(settings.resolved_storage_url, settings.disk_full_percent),
    )


def awaited_in(store: Store) -> Awaited:
    """Return what says whether an object is still to be sent."""
    return lambda key: store.glance(lambda connection: is_awaited(connection, key))


async def close_services(services: Services) -> None:
    """Close what `open_services` opened."""
    await services.endpoint.close()
    await services.storage.close()
    await services.store.close()


def open_pool(services: Services) -> Pool:
    """Return the pool that this server mounts, with its local workers if there shall be any."""
    settings = services.settings
    local = LocalOptions(
        command=(sys.executable, "-m", "worker.handler"),
        endpoint_url=settings.resolved_endpoint_url,
        limit=settings.local_workers,
        log_dir=settings.data_dir / "logs",
        environment=os.environ,
        extra_environment={"REVELA_OPERATION_PACKAGES": settings.operation_packages},
        idle_s=settings.worker_idle_s,
    )
    return Pool(
        services.store,
        SteadyClock(),  # a step of the machine's clock must not end every worker's lease
        POOL_ENDPOINT,
        [pool_client_key(services.signer)],
        local=local if settings.local_workers else None,
    )


def pool_client_key(signer: Signer) -> str:
    """Return the key with which the mounted pool's client half is used."""
    return f"pk_{signer.derive('pool-client').hex()}"


def _endpoint_key(settings: Settings, signer: Signer) -> str:
    if settings.uses_pool or settings.runpod_api_key is None:
        return pool_client_key(signer)
    return settings.runpod_api_key.get_secret_value()
