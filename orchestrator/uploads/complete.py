"""Completing an upload: what has arrived is measured, looked at, and pinned."""

from collections.abc import Mapping, Sequence

import structlog

from orchestrator.services import Services
from orchestrator.storage.port import StoredObject, StoredPart
from orchestrator.store.uploading.rows import UploadRow, mark_completed, mark_lost, mark_rejected, own_upload
from orchestrator.uploads.parts import part_sizes
from shared.refusals import (
    RequestError,
    UploadChanged,
    UploadDamaged,
    UploadExpired,
    UploadFormat,
    UploadIncomplete,
)
from shared.uploads.media_types import HEAD_BYTES, fits
from shared.uploads.upload import UploadState

_TOLD = 20
"""So many missing parts are named."""
_REJECTIONS: Mapping[str, type[RequestError]] = {error.code: error for error in (UploadFormat, UploadDamaged)}

log = structlog.get_logger()


async def complete_upload(services: Services, row: UploadRow, etags: Mapping[int, str]) -> UploadRow:
    """Return the completed upload; asked again, the same. `etags` are what the client was told, by part.

    UploadIncomplete and UploadChanged leave it as it was. UploadFormat and UploadDamaged reject it for good.
    UploadExpired.
    """
    if row.is_over(services.clock.now_ms()):
        raise UploadExpired
    _raise_if_rejected(row)
    if row.state == UploadState.COMPLETED:
        await _check_unchanged(services, row)
        return row
    if row.multipart_id is not None:
        await _put_together(services, row, row.multipart_id, etags)
    return await _settle(services, row, etags if row.multipart_id is None else {})


async def _check_unchanged(services: Services, row: UploadRow) -> None:
    stored = await services.storage.head(row.object_key)
    if stored is None or stored.etag != row.etag:
        raise UploadChanged


async def _put_together(services: Services, row: UploadRow, multipart_id: str, etags: Mapping[int, str]) -> None:
    """Make one object of the parts; one that was made before, when the answer was lost, is as good."""
    stored = await services.storage.stored_parts(row.object_key, multipart_id)
    if stored is not None:
        _check_parts(row, stored, etags)
        await services.storage.complete_parts(row.object_key, multipart_id, stored)
    elif await services.storage.head(row.object_key) is None:
        now_ms = services.clock.now_ms()
        await services.store.write(lambda c: mark_lost(c, row, now_ms))
        raise UploadExpired("The storage has dropped the parts of this upload; begin a new one.")


def _check_parts(row: UploadRow, stored: Sequence[StoredPart], etags: Mapping[int, str]) -> None:
    assert row.part_bytes is not None  # noqa: S101 - it has parts
    arrived = {part.n: part for part in stored}
    sizes = part_sizes(row.size_bytes, row.part_bytes)
    missing = [n for n, size in enumerate(sizes, 1) if n not in arrived or arrived[n].size_bytes != size]
    if missing:
        named = ", ".join(map(str, missing[:_TOLD])) + (", …" if len(missing) > _TOLD else "")
        raise UploadIncomplete(f"{len(missing)} of {len(sizes)} parts are missing: {named}.")
    changed = [n for n, etag in etags.items() if n not in arrived or arrived[n].etag != etag]
    if changed:
        raise UploadChanged(f"Part {changed[0]} has another ETag than the one that was told.")


async def _settle(services: Services, row: UploadRow, etags: Mapping[int, str]) -> UploadRow:
    stored = await _measured(services, row)
    if any(etag != stored.etag for etag in etags.values()):
        raise UploadChanged("The file has another ETag than the one that was told.")
    rejection = await _rejection(services, row)
    digest = None
    if rejection is None and row.sha256 is not None:
        digest = await services.storage.digest(row.object_key)
        if digest not in (None, row.sha256):
            rejection = UploadDamaged(f"What arrived has the SHA-256 {digest}.")
    now_ms, keep_ms = services.clock.now_ms(), round(services.settings.upload_keep_s * 1000)
    if rejection is not None:
        problem = {"code": rejection.code, "detail": rejection.detail}
        await services.store.write(lambda c: mark_rejected(c, row, problem, now_ms))
        services.uploads_ended.set()
        log.info("upload.rejected", upload_id=row.id, code=rejection.code)
        raise rejection
    if await _measured(services, row) != stored:
        raise UploadChanged("The file was sent once more while the upload was completed.")
    verified = digest is not None
    if await services.store.write(
        lambda c: mark_completed(c, row, stored.etag, verified=verified, now_ms=now_ms, keep_ms=keep_ms)
    ):
        log.info("upload.completed", upload_id=row.id, size_bytes=row.size_bytes, verified=verified)
    return await _as_ended(services, row)


async def _as_ended(services: Services, row: UploadRow) -> UploadRow:
    """Return the upload as it is now; its time may have ended meanwhile, or another request have completed it."""
    now = await services.store.read(lambda c: own_upload(c, row.tenant, row.id))
    _raise_if_rejected(now)
    if now.state != UploadState.COMPLETED:
        raise UploadExpired
    return now


def _raise_if_rejected(row: UploadRow) -> None:
    if row.state == UploadState.REJECTED:
        problem = row.problem or {}
        raise _REJECTIONS.get(problem.get("code", ""), UploadFormat)(problem.get("detail"))


async def _measured(services: Services, row: UploadRow) -> StoredObject:
    stored = await services.storage.head(row.object_key)
    if stored is None:
        raise UploadIncomplete("The file has not arrived.")
    if stored.size_bytes != row.size_bytes:
        raise UploadIncomplete(f"{stored.size_bytes} bytes have arrived, and {row.size_bytes} were announced.")
    return stored


async def _rejection(services: Services, row: UploadRow) -> RequestError | None:
    head = await services.storage.read_head(row.object_key, HEAD_BYTES)
    if head is None or not fits(row.content_type, head):
        return UploadFormat(f"The file does not look like {row.content_type}; begin a new upload.")
    return None
