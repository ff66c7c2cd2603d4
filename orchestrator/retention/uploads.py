"""Ending uploads whose time is over, and removing from storage what they leave behind."""

from dataclasses import replace

import structlog

from orchestrator.services import Services
from orchestrator.storage.port import PUT_SLACK_MS
from orchestrator.store.uploading.rows import DELETED
from orchestrator.store.uploading.sweeping import (
    Removal,
    begin_removals,
    expire_uploads,
    forget_uploads,
    is_shared,
    note_removed,
    postpone_removal,
)
from shared.errors import AdapterError

_AGAIN_MS = 60_000

log = structlog.get_logger()


async def tick(services: Services, now_ms: int) -> None:
    """Expire what is over; remove what is due, now and once more when its addresses have ended.

    A removal that fails holds up no other.
    """
    expired = await services.store.write(lambda c: expire_uploads(c, now_ms))
    if expired:
        log.info("uploads.expired", count=expired)
    for removal in await services.store.write(lambda c: begin_removals(c, now_ms)):
        try:
            await _remove(services, removal, now_ms)
        except AdapterError as failed:
            log.warning("upload.removal_failed", upload_id=removal.upload_id, reason=failed.detail)
            await _postpone(services, removal, now_ms)
        except Exception:
            log.exception("upload.removal_failed", upload_id=removal.upload_id)
            await _postpone(services, removal, now_ms)
    await services.store.write(lambda c: forget_uploads(c, now_ms))


async def _remove(services: Services, removal: Removal, now_ms: int) -> None:
    if removal.multipart_id is not None:
        await services.storage.abort_parts(removal.object_key, removal.multipart_id)
    if not await services.store.read(lambda c: is_shared(c, removal.object_key)):
        await services.storage.delete(removal.object_key)
    if removal.state == DELETED:
        log.info("upload.removed", upload_id=removal.upload_id)
    # A PUT that began in time may end later, in a bucket whenever it likes: so it is looked for once more after that.
    last = replace(removal, grants_end_ms=removal.grants_end_ms + PUT_SLACK_MS)
    await services.store.write(lambda c: note_removed(c, last, now_ms))


async def _postpone(services: Services, removal: Removal, now_ms: int) -> None:
    await services.store.write(lambda c: postpone_removal(c, removal, now_ms + _AGAIN_MS))
