"""Removing what was left behind on its way to the storage by a server that was killed."""

import structlog

from orchestrator.services import Services
from orchestrator.storage.port import KeepsDrafts

log = structlog.get_logger()


async def tick(services: Services) -> None:
    """Sweep, where the storage keeps such things; a bucket has its lifecycle rule."""
    if isinstance(services.storage, KeepsDrafts):
        swept = await services.storage.sweep_drafts()
        if swept:
            log.info("drafts.swept", count=swept)
