"""Removing objects from storage that nobody shall have any more; what is ordered in the database survives a restart."""

import structlog

from orchestrator.services import Services
from orchestrator.store.keeping.purges import Purge, begin_purges, note_purged, postpone_purge
from shared.errors import AdapterError

AT_ONCE = 50
"""Orders that one tick carries out at most: the next tick has the others."""
_AGAIN_MS = 60_000

log = structlog.get_logger()


async def tick(services: Services, now_ms: int) -> None:
    """Remove what is due; an order that fails holds up no other.

    What a worker may still write to is removed now, and once more when it no longer can.
    """
    due = await services.store.write(lambda c: begin_purges(c, now_ms, AT_ONCE))
    for purge in due:
        try:
            await _purge(services, purge, now_ms)
        except AdapterError as failed:
            log.warning("purge.failed", prefix=purge.prefix, reason=failed.detail)
            await _postpone(services, purge, now_ms)
        except Exception:
            log.exception("purge.failed", prefix=purge.prefix)
            await _postpone(services, purge, now_ms)
    if len(due) == AT_ONCE:
        services.purge_waiting.set()


async def _purge(services: Services, purge: Purge, now_ms: int) -> None:
    removed = await services.storage.delete_under(purge.prefix)
    log.info("outputs.purged", prefix=purge.prefix, objects=removed)
    await services.store.write(lambda c: note_purged(c, purge, removed, now_ms))
    if purge.expired_job_id is not None:
        services.changes.announce(purge.expired_job_id)


async def _postpone(services: Services, purge: Purge, now_ms: int) -> None:
    await services.store.write(lambda c: postpone_purge(c, purge, now_ms + _AGAIN_MS))
