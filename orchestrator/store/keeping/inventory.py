"""What the storage should hold, by the database: for finding objects without a row, and rows without their objects."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.storage.keys import job_prefix_of
from orchestrator.store.keeping.audit import OPERATOR, AuditAction, record
from orchestrator.store.keeping.held import not_held
from orchestrator.store.tables import held_objects, items, jobs, purges, uploads
from shared.uploads.upload import UploadState
from shared.wire.status import Status

_AT_ONCE = 500
_ORDERED = sa.exists().where(purges.c.prefix == jobs.c.tenant + "/" + jobs.c.id)


@dataclass(frozen=True, slots=True)
class KeptJob:
    """A job whose outputs should be there."""

    id: str
    tenant: str
    held: bool


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """A file that an item made, and that should be there."""

    job_id: str
    item_n: int
    item_id: str
    slot: str
    key: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class KeptUpload:
    """A file that a client sent, and that should be there."""

    id: str
    tenant: str
    key: str
    size_bytes: int


def owned_keys(connection: Connection, keys: Collection[str]) -> set[str]:
    """Return those of the objects that a row stands for, those an order will remove, and those held."""
    by_prefix: dict[str, list[str]] = {}
    for key in keys:
        by_prefix.setdefault(job_prefix_of(key) or "", []).append(key)
    others = by_prefix.pop("", [])
    owned = {key for prefix in _living_prefixes(connection, list(by_prefix)) for key in by_prefix[prefix]}
    upload = (uploads.c.state.in_((UploadState.WAITING, UploadState.COMPLETED))) | uploads.c.remove_ms.is_not(None)
    for chunk in _chunks(others):
        query = sa.select(uploads.c.object_key).where(uploads.c.object_key.in_(chunk), upload)
        owned |= set(connection.execute(query).scalars())
    for chunk in _chunks([key for key in keys if key not in owned]):
        query = sa.select(held_objects.c.object_key).where(held_objects.c.object_key.in_(chunk))
        owned |= set(connection.execute(query).scalars())
    return owned


def _living_prefixes(connection: Connection, prefixes: Sequence[str]) -> set[str]:
    living: set[str] = set()
    for chunk in _chunks(prefixes):
        ids = [prefix.partition("/")[2] for prefix in chunk]
        kept = jobs.c.outputs_deleted_ms.is_(None) | jobs.c.legal_hold.is_not(None)
        query = sa.select(jobs.c.tenant + "/" + jobs.c.id).where(jobs.c.id.in_(ids), kept)
        living |= set(connection.execute(query).scalars())
        ordered = sa.select(purges.c.prefix).where(purges.c.prefix.in_(chunk))
        living |= set(connection.execute(ordered).scalars())
    return living & set(prefixes)


def kept_jobs(connection: Connection, after_id: str, now_ms: int, limit: int) -> list[KeptJob]:
    """Return at most `limit` jobs behind `after_id` whose outputs should be there, by their ids."""
    query = (
        sa.select(jobs.c.id, jobs.c.tenant, jobs.c.legal_hold.is_not(None))
        .where(jobs.c.id > after_id, jobs.c.items_succeeded > 0, _should_be_there(now_ms))
        .order_by(jobs.c.id)
        .limit(limit)
    )
    return [KeptJob(*row) for row in connection.execute(query)]


def _should_be_there(now_ms: int) -> sa.ColumnElement[bool]:
    kept = jobs.c.pinned_ms.is_not(None) | jobs.c.legal_hold.is_not(None)
    in_time = jobs.c.expires_ms.is_(None) | (jobs.c.expires_ms > now_ms) | kept
    return jobs.c.outputs_deleted_ms.is_(None) & in_time & ~_ORDERED


def kept_outputs(connection: Connection, job_id: str, now_ms: int) -> list[KeptOutput]:
    """Return the files of a job that should be there and were not missed before; none if it has ended meanwhile."""
    query = (
        sa.select(items.c.n, items.c.item_id, items.c.outputs)
        .join(jobs, jobs.c.id == items.c.job_id)
        .where(items.c.job_id == job_id, items.c.status == Status.COMPLETED, _should_be_there(now_ms))
        .order_by(items.c.n)
    )
    return [
        KeptOutput(job_id, row.n, row.item_id, slot, stored["key"], stored["size_bytes"])
        for row in connection.execute(query)
        for slot, stored in row.outputs.items()
        if "lost_ms" not in stored
    ]


def mark_outputs_lost(connection: Connection, job: KeptJob, lost: Sequence[KeptOutput], now_ms: int) -> int:
    """Mark files of a job that are gone; return how many.

    None if the job is on hold, or if they should not be there any more.
    """
    still = {(output.item_n, output.slot) for output in kept_outputs(connection, job.id, now_ms)}
    gone = [output for output in lost if (output.item_n, output.slot) in still]
    held = connection.execute(sa.select(jobs.c.legal_hold).where(jobs.c.id == job.id)).scalar()
    if not gone or held is not None:
        return 0
    for n in {output.item_n for output in gone}:
        _mark_item(connection, job.id, n, {output.slot for output in gone if output.item_n == n}, now_ms)
    connection.execute(jobs.update().where(jobs.c.id == job.id).values(version=jobs.c.version + 1))
    named = [f"{output.item_id}/{output.slot}" for output in gone]
    record(connection, job.tenant, OPERATOR, AuditAction.OUTPUTS_LOST, job.id, now_ms, outputs=named)
    return len(gone)


def _mark_item(connection: Connection, job_id: str, n: int, slots: set[str], now_ms: int) -> None:
    own = (items.c.job_id == job_id) & (items.c.n == n)
    outputs: Mapping[str, Any] = connection.execute(sa.select(items.c.outputs).where(own)).scalar_one()
    marked = {slot: {**stored, "lost_ms": now_ms} if slot in slots else stored for slot, stored in outputs.items()}
    connection.execute(items.update().where(own).values(outputs=marked))


def kept_uploads(connection: Connection, after_id: str, limit: int) -> list[KeptUpload]:
    """Return at most `limit` completed uploads behind `after_id`, by their ids."""
    columns = (uploads.c.id, uploads.c.tenant, uploads.c.object_key, uploads.c.size_bytes)
    query = sa.select(*columns).where(uploads.c.id > after_id, uploads.c.state == UploadState.COMPLETED)
    return [KeptUpload(*row) for row in connection.execute(query.order_by(uploads.c.id).limit(limit))]


def mark_upload_lost(connection: Connection, upload: KeptUpload, now_ms: int) -> int:
    """End an upload whose file is gone, unless it is held; return whether that was needed, as 1 or 0."""
    ended = connection.execute(
        uploads.update()
        .where(uploads.c.id == upload.id, uploads.c.state == UploadState.COMPLETED, not_held(uploads.c.object_key))
        .values(state=UploadState.EXPIRED, expires_ms=now_ms)
    )
    if ended.rowcount:
        record(connection, upload.tenant, OPERATOR, AuditAction.UPLOAD_LOST, upload.id, now_ms)
    return ended.rowcount


def record_orphans(connection: Connection, keys: Mapping[str, int], now_ms: int) -> list[str]:
    """Return those of the objects (sizes by key) that nothing owns at this moment, and record that they go."""
    owned = owned_keys(connection, keys)
    orphans = [key for key in keys if key not in owned]
    heaps: dict[str, list[str]] = {}
    for key in orphans:
        heaps.setdefault(job_prefix_of(key) or key, []).append(key)
    for prefix, named in heaps.items():
        tenant, size_bytes = prefix.partition("/")[0], sum(keys[key] for key in named)
        gone = {"objects": len(named), "size_bytes": size_bytes}
        record(connection, tenant, OPERATOR, AuditAction.ORPHANS_DELETED, prefix, now_ms, **gone)
    return orphans


def _chunks(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE)]
