"""Reading what an attempt left in storage: its manifest, or its items' commit markers. Never the endpoint's word."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from pydantic import ValidationError

from orchestrator.services import Services
from orchestrator.storage.keys import attempt_prefix, manifest_key, output_key, result_key
from orchestrator.store.attempts import OrderedItem
from orchestrator.store.settling import FlyingAttempt
from shared.operation import Slot, slots_by_name
from shared.wire.model import WireModel
from shared.wire.result import RESULT_VERSION, ItemResult, Manifest, StoredOutput

_MANIFEST_BYTES = 64 << 20
_RESULT_BYTES = 1 << 20
_READS_AT_ONCE = 16
_LARGE_BYTES = 64 << 10
"""Above this size, understanding a document could hold up the event loop noticeably."""
_SHA256 = re.compile(r"[0-9a-f]{64}")

W = TypeVar("W", bound=WireModel)

log = structlog.get_logger()


async def read_manifest(services: Services, attempt: FlyingAttempt) -> Manifest | None:
    """Return the manifest that closes this attempt, if it wrote one."""
    raw = await services.storage.read(manifest_key(_prefix(attempt)), _MANIFEST_BYTES)
    if raw is None:
        return None
    try:
        manifest = await _parsed(Manifest, raw)
    except ValidationError:
        log.warning("manifest.refused", reason="unreadable")
        return None
    if (manifest.task_id, manifest.attempt) != (attempt.task_id, attempt.n) or manifest.version > RESULT_VERSION:
        log.warning("manifest.refused", reason="not of this attempt")
        return None
    return manifest


async def read_results(
    services: Services, attempt: FlyingAttempt, items: Sequence[OrderedItem]
) -> dict[str, ItemResult]:
    """Return the results, by item id, that the commit markers of `items` hold."""
    gate = asyncio.Semaphore(_READS_AT_ONCE)

    async def read(item: OrderedItem) -> tuple[str, ItemResult] | None:
        async with gate:
            raw = await services.storage.read(result_key(_prefix(attempt), item.n), _RESULT_BYTES)
        try:
            return None if raw is None else (item.id, await _parsed(ItemResult, raw))
        except ValidationError:
            log.warning("result.refused", item_id=item.id, reason="unreadable")
            return None

    return dict(entry for entry in await asyncio.gather(*map(read, items)) if entry is not None)


@dataclass(frozen=True, slots=True)
class Believed:
    """What storage bears out."""

    results: dict[str, ItemResult]
    """By item id."""
    etags: dict[str, str]
    """Of their files, by key: what replaces one later is not what its item completed with."""


async def verified(
    services: Services, attempt: FlyingAttempt, items: Sequence[OrderedItem], results: dict[str, ItemResult]
) -> Believed:
    """Return the results that may be believed: of this attempt, every file in its own slot, there, and of that size."""
    gate = asyncio.Semaphore(_READS_AT_ONCE)
    etags: dict[str, str] = {}

    async def check(item: OrderedItem) -> tuple[str, ItemResult] | None:
        result = results.get(item.id)
        if result is None:
            return None
        async with gate:
            fault = _fault(services, attempt, item, result) or await _missing(services, result, etags)
        if fault is None:
            return item.id, result
        log.warning("result.refused", item_id=item.id, reason=fault)
        return None

    return Believed(dict(entry for entry in await asyncio.gather(*map(check, items)) if entry is not None), etags)


def _fault(services: Services, attempt: FlyingAttempt, item: OrderedItem, result: ItemResult) -> str | None:
    if (result.task_id, result.attempt, result.item_id) != (attempt.task_id, attempt.n, item.id):
        return "not of this attempt"
    operation = services.catalogue.get(attempt.operation)
    if operation is None:
        return "its operation is gone"
    try:
        declared = operation.slots(operation.params.model_validate(item.params))
    except ValidationError:
        return "its operation no longer takes its parameters"
    slots, needed = slots_by_name(declared), {slot.name for slot in declared if not slot.many}
    if result.status == "COMPLETED" and not needed <= result.outputs.keys() <= slots.keys():
        return "its files are not those of its slots"
    for name, output in result.outputs.items():
        slot = slots.get(name)
        if slot is None or output.key != output_key(_prefix(attempt), item.n, slot.filename):
            return "it names a file that was not issued to it"
        if not _fits(output, slot):
            return "a file is not of its slot's type"
    return None


async def _missing(services: Services, result: ItemResult, etags: dict[str, str]) -> str | None:
    """Look for the files of a result; keep their ETags."""
    for output in result.outputs.values():
        stored = await services.storage.head(output.key)
        if stored is None or stored.size_bytes != output.size_bytes:
            return "a file is missing or of another size"
        if stored.etag is not None:
            etags[output.key] = stored.etag
    return None


def _fits(output: StoredOutput, slot: Slot) -> bool:
    """Whether what goes into the headers of an answer is what it should be: a worker wrote it."""
    return output.content_type == slot.content_type and _SHA256.fullmatch(output.sha256) is not None


async def _parsed(model: type[W], raw: bytes) -> W:
    if len(raw) > _LARGE_BYTES:
        return await asyncio.to_thread(model.model_validate_json, raw)
    return model.model_validate_json(raw)


def _prefix(attempt: FlyingAttempt) -> str:
    return attempt_prefix(attempt.tenant, attempt.job_id, attempt.task_n, attempt.n)
