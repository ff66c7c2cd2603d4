"""Beginning an upload: a place for the file, or the file itself where it is here already."""

from dataclasses import replace

import structlog
from sqlalchemy.engine import Connection

from orchestrator.caller import Caller
from orchestrator.services import Services
from orchestrator.store.uploading.awaited import check_announced
from orchestrator.store.uploading.rows import (
    UploadRow,
    check_waiting,
    find_same,
    insert_again,
    insert_waiting,
)
from orchestrator.uploads.parts import part_bytes_for
from shared.errors import StorageFull
from shared.ids import new_ulid
from shared.refusals import FieldError, InvalidRequest, TooManyUploads
from shared.uploads.sizes import human_size
from shared.uploads.upload import UploadRequest, UploadState

log = structlog.get_logger()


async def begin_upload(services: Services, caller: Caller, asked: UploadRequest) -> UploadRow:
    """Return a new upload: waiting, or completed at once. InvalidRequest, TooManyUploads, StorageFull."""
    most_bytes = services.settings.max_upload_bytes
    if asked.size_bytes > most_bytes:
        raise InvalidRequest(
            errors=[FieldError("/size_bytes", f"must be at most {most_bytes} ({human_size(most_bytes)})")]
        )
    services.disk_guard.refuse_if_full()
    fresh = _new_row(services, caller, asked)
    if asked.sha256 is not None and await services.storage.verifies_sha256():
        again = await _same_file(services, fresh)
        if again is not None:
            log.info("upload.reused", upload_id=again.id, object_key=again.object_key)
            return again
    return await _wait_for(services, fresh)


async def _same_file(services: Services, fresh: UploadRow) -> UploadRow | None:
    """Store the upload as completed if its file is here, as it was when it was verified."""
    now_ms = fresh.created_ms
    known = await services.store.read(
        lambda c: find_same(c, fresh.tenant, fresh.sha256 or "", fresh.content_type, now_ms)
    )
    if known is None or known.size_bytes != fresh.size_bytes:
        return None
    stored = await services.storage.head(known.object_key)
    if stored is None or stored.etag != known.etag:
        return None
    again = replace(
        known,
        id=fresh.id,
        key_id=fresh.key_id,
        name=fresh.name,
        multipart_id=None,
        part_bytes=None,
        created_ms=now_ms,
        completed_ms=now_ms,
        expires_ms=now_ms + round(services.settings.upload_keep_s * 1000),
    )
    return again if await services.store.write(lambda c: insert_again(c, again, known)) else None


async def _wait_for(services: Services, fresh: UploadRow) -> UploadRow:
    storage, most, room_bytes = (
        services.storage,
        services.settings.max_waiting_uploads,
        services.disk_guard.room_bytes(),
    )

    def check(connection: Connection) -> None:
        check_waiting(connection, fresh.tenant, most)
        check_announced(connection, fresh.tenant, fresh.size_bytes, room_bytes)

    def insert(connection: Connection) -> None:
        check_announced(connection, fresh.tenant, fresh.size_bytes, room_bytes)
        insert_waiting(connection, fresh, most)

    await services.store.read(check)
    if fresh.part_bytes is not None:
        begun = await storage.begin_parts(fresh.object_key, fresh.content_type, fresh.part_bytes)
        fresh = replace(fresh, multipart_id=begun)
    try:
        await services.store.write(insert)
    except (TooManyUploads, StorageFull):
        if fresh.multipart_id is not None:
            await storage.abort_parts(fresh.object_key, fresh.multipart_id)
        raise
    log.info("upload.begun", upload_id=fresh.id, size_bytes=fresh.size_bytes, in_parts=fresh.part_bytes is not None)
    return fresh


def _new_row(services: Services, caller: Caller, asked: UploadRequest) -> UploadRow:
    settings, now_ms, ulid = services.settings, services.clock.now_ms(), new_ulid(services.clock)
    until_ms = now_ms + round(settings.upload_wait_s * 1000)
    return UploadRow(
        id=f"upl_{ulid}",
        tenant=caller.tenant,
        key_id=caller.key_id,
        state=UploadState.WAITING,
        name=asked.name,
        object_key=f"{caller.tenant}/uploads/{ulid}",
        content_type=asked.content_type,
        size_bytes=asked.size_bytes,
        sha256=asked.sha256,
        verified=False,
        multipart_id=None,
        part_bytes=part_bytes_for(asked.size_bytes, settings.upload_part_bytes),
        etag=None,
        problem=None,
        created_ms=now_ms,
        completed_ms=None,
        expires_ms=until_ms,
        grants_end_ms=until_ms,
    )
