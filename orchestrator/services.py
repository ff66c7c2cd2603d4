"""Everything the orchestrator runs on, opened once; the only place that names concrete adapters."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.changes import Changes
from orchestrator.dispatch.port import Endpoint
from orchestrator.dispatch.runpod import RunPodEndpoint
from orchestrator.hints import Hints
from orchestrator.settings import Settings
from orchestrator.storage.disk import DiskStorage
from orchestrator.storage.port import Storage
from orchestrator.store.migrate import upgrade
from orchestrator.store.store import Store
from shared.catalogue import Catalogue
from shared.clock import Clock
from shared.errors import SettingsError
from shared.signing import Signer


@dataclass(frozen=True)
class Services:
    """What routes and loops are given."""

    settings: Settings
    clock: Clock
    signer: Signer
    catalogue: Catalogue
    store: Store
    storage: Storage
    endpoint: Endpoint
    changes: Changes = field(default_factory=Changes)
    hints: Hints = field(default_factory=Hints)
    work_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there may be tasks to dispatch."""


def open_services(settings: Settings, clock: Clock) -> Services:
    """Migrate the database if need be and return everything, open; SettingsError for a setting that can't work."""
    upgrade(settings.resolved_database_url)
    signer = settings.signer()
    return Services(
        settings=settings,
        clock=clock,
        signer=signer,
        catalogue=Catalogue.discover(settings.extra_operations),
        store=Store(settings.resolved_database_url),
        storage=_open_storage(settings, signer, clock),
        endpoint=RunPodEndpoint(settings.resolved_endpoint_url, _endpoint_key(settings, signer)),
    )


async def close_services(services: Services) -> None:
    """Close what `open_services` opened."""
    await services.endpoint.close()
    await services.store.close()


def pool_client_key(signer: Signer) -> str:
    """Return the key with which the mounted pool's client half is used."""
    return f"pk_{signer.derive('pool-client').hex()}"


def _endpoint_key(settings: Settings, signer: Signer) -> str:
    if settings.uses_pool or settings.runpod_api_key is None:
        return pool_client_key(signer)
    return settings.runpod_api_key.get_secret_value()


def _open_storage(settings: Settings, signer: Signer, clock: Clock) -> Storage:
    url = settings.storage_url or f"file://{settings.data_dir.resolve() / 'objects'}"
    if not url.startswith("file://"):
        raise SettingsError("REVELA_STORAGE_URL: only file:///FOLDER is supported")
    return DiskStorage(Path(url.removeprefix("file://")), settings.public_url, signer, clock)
