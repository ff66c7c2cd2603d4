"""Uploads as inputs: what of them a job can have, and how long they are kept for it."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.tables import uploads
from orchestrator.store.uploading.rows import COLUMNS, DELETED, UploadRow
from shared.uploads.sizes import human_size
from shared.uploads.upload import UploadState
from shared.wire.media_input import MediaInput

_AT_ONCE = 500


def upload_id_of(media: str) -> str:
    """Return the id in ``upload://ID``."""
    return media.removeprefix("upload://")


def find_uploads(connection: Connection, tenant: str, media: Iterable[str]) -> dict[str, UploadRow]:
    """Return a tenant's uploads by the texts that name them; others are missing."""
    ids = sorted({upload_id_of(text) for text in media})
    found: dict[str, UploadRow] = {}
    for start in range(0, len(ids), _AT_ONCE):
        query = sa.select(*COLUMNS).where(
            uploads.c.id.in_(ids[start : start + _AT_ONCE]), uploads.c.tenant == tenant, uploads.c.state != DELETED
        )
        found |= {f"upload://{row.id}": UploadRow(*row) for row in connection.execute(query)}
    return found


def unusable(media: MediaInput, upload: UploadRow | None, now_ms: int, max_bytes: int) -> str | None:
    """Return why a job can't have an upload, of which its operation takes `max_bytes`; None if it can."""
    if upload is None:
        return f"there is no {media}"
    if upload.is_over(now_ms):
        return f"{media} has expired; upload the file again"
    if upload.state == UploadState.WAITING:
        return f"{media} still waits for its file; complete it first"
    if upload.state == UploadState.REJECTED:
        return f"{media} was rejected: {(upload.problem or {}).get('detail', '')}"
    if upload.size_bytes > max_bytes:
        return f"{media} has {human_size(upload.size_bytes)}; this operation takes {human_size(max_bytes)} at most"
    return None


def keep_longer(connection: Connection, media: Iterable[str], until_ms: int) -> None:
    """Keep uploads that a job names until then at least."""
    ids = sorted({upload_id_of(text) for text in media})
    for start in range(0, len(ids), _AT_ONCE):
        connection.execute(
            uploads.update()
            .where(uploads.c.id.in_(ids[start : start + _AT_ONCE]), uploads.c.expires_ms < until_ms)
            .values(expires_ms=until_ms)
        )
