"""Removing the objects of deleted jobs from storage; what is ordered in the database survives a restart."""

import structlog

from orchestrator.services import Services
from orchestrator.store.acting.delete import Purge, due_purges, note_purged, postpone_purge
from shared.errors import AdapterError

_AGAIN_MS = 60_000

log = structlog.get_logger()


async def tick(services: Services, now_ms: int) -> None:
    """Remove what is due. What a worker may still write to is removed now, and once more when it no longer can."""
    for purge in await services.store.read(lambda c: due_purges(c, now_ms)):
        await _purge(services, purge, now_ms)


async def _purge(services: Services, purge: Purge, now_ms: int) -> None:
    try:
        removed = await services.storage.delete_under(purge.prefix)
    except AdapterError as failed:
        log.warning("purge.failed", prefix=purge.prefix, reason=failed.detail)
        await services.store.write(lambda c: postpone_purge(c, purge.prefix, now_ms + _AGAIN_MS))
        return
    log.info("outputs.purged", prefix=purge.prefix, objects=removed)
    await services.store.write(lambda c: note_purged(c, purge.prefix, now_ms))
