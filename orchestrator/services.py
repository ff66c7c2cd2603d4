"""Everything the orchestrator runs on, opened once; the only place that names concrete adapters."""

import asyncio
from dataclasses import dataclass, field

from orchestrator.changes import Changes
from orchestrator.dispatch.port import Endpoint
from orchestrator.hints import Hints
from orchestrator.settings import Settings
from orchestrator.storage.port import Storage
from orchestrator.store.store import Store
from shared.catalogue import Catalogue
from shared.clock import Clock
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
