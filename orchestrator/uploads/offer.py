"""What a client is told of its upload: its state, and where to send what is missing."""

from collections.abc import Sequence

from orchestrator.services import Services
from orchestrator.store.uploading.rows import UploadRow
from orchestrator.uploads.parts import part_sizes
from shared.clock import to_datetime
from shared.refusals import FieldError, InvalidRequest
from shared.uploads.upload import (
    PARTS_GIVEN,
    PartAddress,
    ReceivedPart,
    UploadProblem,
    UploadState,
    UploadView,
)

GRANT_MS = 3_600_000
"""How long the address of a PUT works; fresh ones are given as long as the upload waits."""


def view_of(
    services: Services, row: UploadRow, parts: Sequence[int] = (), received: Sequence[ReceivedPart] | None = None
) -> UploadView:
    """Return an upload as its tenant sees it; while it waits, with the addresses of one PUT or of `parts`."""
    now_ms = services.clock.now_ms()
    state = UploadState.EXPIRED if row.is_over(now_ms) else UploadState(row.state)
    waiting = state is UploadState.WAITING
    grants_end_ms = min(now_ms + GRANT_MS, row.grants_end_ms)
    single = None
    if waiting and row.part_bytes is None:
        single = services.storage.grant_put(row.object_key, row.content_type, row.size_bytes, grants_end_ms, row.sha256)
    return UploadView(
        id=row.id,
        state=state,
        name=row.name,
        size_bytes=row.size_bytes,
        content_type=row.content_type,
        sha256=row.sha256,
        verified=row.verified,
        problem=None if row.problem is None else UploadProblem.model_validate(row.problem),
        method="PUT" if waiting else None,
        url=single and single.url,
        headers=single and dict(single.headers),
        part_bytes=row.part_bytes,
        parts_total=row.part_bytes and len(part_sizes(row.size_bytes, row.part_bytes)),
        parts=_addresses(services, row, parts, grants_end_ms) if waiting and row.part_bytes else None,
        received=None if received is None else list(received),
        urls_expire_at=to_datetime(grants_end_ms) if waiting else None,
        created_at=to_datetime(row.created_ms),
        completed_at=None if row.completed_ms is None else to_datetime(row.completed_ms),
        expires_at=to_datetime(row.expires_ms),
    )


def first_parts(row: UploadRow) -> range:
    """Return the parts whose addresses a new upload is told."""
    total = len(part_sizes(row.size_bytes, row.part_bytes)) if row.part_bytes else 0
    return range(1, min(total, PARTS_GIVEN) + 1)


def _addresses(services: Services, row: UploadRow, parts: Sequence[int], expires_ms: int) -> list[PartAddress]:
    if row.part_bytes is None or row.multipart_id is None:
        return []
    sizes = part_sizes(row.size_bytes, row.part_bytes)
    if beyond := [n for n in parts if not 1 <= n <= len(sizes)]:
        raise InvalidRequest(errors=[FieldError("?parts", f"there is no part {beyond[0]}; there are {len(sizes)}")])
    granted = {
        n: services.storage.grant_part(row.object_key, row.multipart_id, n, sizes[n - 1], expires_ms) for n in parts
    }
    return [
        PartAddress(n=n, url=put.url, headers=dict(put.headers), size_bytes=put.size_bytes)
        for n, put in granted.items()
    ]
