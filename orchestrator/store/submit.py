"""Storing an accepted job: one transaction, before the 202."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.jobs.accept import MAX_FAULTS, AcceptedJob
from orchestrator.jobs.idempotency import IdempotencyClaim
from orchestrator.jobs.states import TaskState
from orchestrator.store import tables
from orchestrator.store.events import add_event
from orchestrator.store.keeping.earlier import find_output, unusable_output
from orchestrator.store.keeping.uses import note_uses
from orchestrator.store.prepared import Prepared
from orchestrator.store.tables import idempotency
from orchestrator.store.tenants import reserve_items
from orchestrator.store.uploading.uses import find_uploads, keep_longer, unusable
from shared.refusals import FieldError, IdempotencyReused, InvalidRequest
from shared.wire.media_input import MediaInput
from shared.wire.status import Status

_JOB = Prepared(tables.jobs.insert())
_ITEM = Prepared(tables.items.insert())
_TASK = Prepared(tables.tasks.insert())
_LABEL = Prepared(tables.job_labels.insert())


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job that is on disk, and what was stored just now; None of that if an earlier request had stored it."""

    id: str
    fresh: AcceptedJob | None

    @property
    def replayed(self) -> bool:
        """Whether an earlier request had stored it."""
        return self.fresh is None


def store_once(connection: Connection, job: AcceptedJob, claim: IdempotencyClaim | None) -> StoredJob:
    """Store `job` unless the request's key stands for one already; IdempotencyReused, and what insert_job raises."""
    if claim is None:
        insert_job(connection, job)
        return StoredJob(job.id, job)
    tenant = job.caller.tenant
    known = find_claimed(connection, tenant, claim)
    if known is not None:
        return known
    insert_job(connection, job)
    connection.execute(
        idempotency.insert(),
        {
            "tenant": tenant,
            "key": claim.key,
            "fingerprint": claim.fingerprint,
            "job_id": job.id,
            "created_ms": job.created_ms,
        },
    )
    return StoredJob(job.id, job)


def find_claimed(connection: Connection, tenant: str, claim: IdempotencyClaim) -> StoredJob | None:
    """Return the job that a request's key stands for, None if it is new; IdempotencyReused."""
    known = connection.execute(
        sa.select(idempotency.c.job_id, idempotency.c.fingerprint).where(
            idempotency.c.tenant == tenant, idempotency.c.key == claim.key
        )
    ).one_or_none()
    if known is None:
        return None
    if bytes(known.fingerprint) != claim.fingerprint:
        raise IdempotencyReused
    return StoredJob(known.job_id, None)


def insert_job(connection: Connection, job: AcceptedJob, retry_of: str | None = None) -> None:
    """Write the job, its items and tasks.

    InvalidRequest if an upload or output that it names is not the tenant's; QueueFull if the tenant has too much open.
    """
    sources = check_own_inputs(connection, job)
    tenant = job.caller.tenant
    reserve_items(connection, tenant, len(job.items), job.max_open_items, job.created_ms)
    _JOB.change(connection, {**_job_row(job), "retry_of": retry_of})
    _ITEM.change_many(
        connection,
        [
            {
                "job_id": job.id,
                "n": item.n,
                "tenant": tenant,
                "item_id": item.id,
                "task_id": item.task_id,
                "status": Status.IN_QUEUE,
                "params": item.params,
                "outputs": {},
                "result": {},
            }
            for item in job.items
        ],
    )
    _TASK.change_many(
        connection,
        [
            {
                "id": task.id,
                "job_id": job.id,
                "tenant": tenant,
                "n": task.n,
                "status": TaskState.WAITING,
                "priority": job.priority,
                "cost_s": task.cost_s,
                "items_total": task.items_total,
                "queue_deadline_ms": job.queue_deadline_ms,
                "created_ms": job.created_ms,
            }
            for task in job.tasks
        ],
    )
    _LABEL.change_many(
        connection,
        [{"job_id": job.id, "tenant": tenant, "name": name, "value": value} for name, value in job.labels.items()],
    )
    note_uses(connection, tenant, job.id, sources)
    keep_longer(connection, _uploads_in(job), job.created_ms + job.uploads_kept_ms)
    add_event(connection, tenant, job.id, "status", {"status": Status.IN_QUEUE}, job.created_ms)


def check_own_inputs(connection: Connection, job: AcceptedJob) -> set[tuple[str, str]]:
    """Return the uploads and outputs that the job names: (id of the upload or the earlier job, key of the object).

    InvalidRequest if one is not its tenant's, or can't be used.
    """
    tenant = job.caller.tenant
    uploads = find_uploads(connection, tenant, _uploads_in(job))
    named = {media for _, media in job.own_inputs if media.scheme == "output"}
    outputs = {media: find_output(connection, tenant, media) for media in named}

    def fault(media: MediaInput) -> str | None:
        if media.scheme == "upload":
            return unusable(media, uploads.get(media), job.created_ms, job.max_input_bytes)
        return unusable_output(media, outputs[media], job.created_ms)

    found = ((pointer, fault(media)) for pointer, media in job.own_inputs)
    if faults := [FieldError(pointer, detail) for pointer, detail in found if detail is not None]:
        raise InvalidRequest(errors=faults[:MAX_FAULTS])
    earlier = {(output.job_id, output.key) for output in outputs.values() if output is not None}
    return earlier | {(upload.id, upload.object_key) for upload in uploads.values()}


def _uploads_in(job: AcceptedJob) -> list[MediaInput]:
    return [media for _, media in job.own_inputs if media.scheme == "upload"]


def _job_row(job: AcceptedJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "tenant": job.caller.tenant,
        "key_id": job.caller.key_id,
        "operation": job.operation,
        "operation_version": job.operation_version,
        "status": Status.IN_QUEUE,
        "priority": job.priority,
        "labels": job.labels,
        "items_total": len(job.items),
        "created_ms": job.created_ms,
        "queue_deadline_ms": job.queue_deadline_ms,
        "output_ttl_ms": job.output_ttl_ms,
        "webhook": job.webhook,
        "webhook_events": job.webhook_events,
    }
