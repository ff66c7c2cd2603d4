"""What a task needs of uploads and earlier outputs, looked at before it is sent: there, and what was completed."""

import asyncio
from dataclasses import replace

import structlog

from orchestrator.services import Services
from orchestrator.store.attempts import OpenedAttempt

log = structlog.get_logger()


async def with_unchanged_inputs(services: Services, attempt: OpenedAttempt) -> OpenedAttempt:
    """Return the attempt without the files that are gone or others by now. StorageUnavailable."""
    unchanged = await asyncio.gather(
        *(_is_unchanged(services, attempt.own_inputs[text], etag) for text, etag in attempt.pinned.items())
    )
    lost = {text for text, same in zip(attempt.pinned, unchanged, strict=True) if not same}
    if not lost:
        return attempt
    log.warning("input.lost", inputs=sorted(lost))
    return replace(attempt, own_inputs={text: key for text, key in attempt.own_inputs.items() if text not in lost})


async def _is_unchanged(services: Services, key: str, etag: str | None) -> bool:
    stored = await services.storage.head(key)
    return stored is not None and stored.etag == etag
