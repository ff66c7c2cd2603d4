"""Trying a job's failed items again: a new job, one for each job at most."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.jobs.accept import PRIORITIES, AcceptedJob
from orchestrator.store.reading import own_job
from orchestrator.store.submit import StoredJob, insert_job
from orchestrator.store.tables import items, jobs
from shared.refusals import JobNotEnded, NothingToRetry
from shared.wire.status import Status


def request_again(connection: Connection, tenant: str, job_id: str) -> dict[str, Any]:
    """Return the request that asks for a job's failed items once more; NotFound, JobNotEnded, NothingToRetry."""
    job = own_job(connection, tenant, job_id)
    if not Status(job["status"]).terminal:
        raise JobNotEnded
    failed = connection.execute(
        sa.select(items.c.item_id, items.c.params)
        .where(items.c.job_id == job_id, items.c.status != Status.COMPLETED)
        .order_by(items.c.n)
    ).all()
    if not failed:
        raise NothingToRetry
    output_ttl_ms = job["output_ttl_ms"]
    request = {
        "operation": job["operation"],
        "items": [{"id": item.item_id, **item.params} for item in failed],
        "priority": PRIORITIES[job["priority"]],
        "labels": job["labels"],
        "queue_ttl_s": (job["queue_deadline_ms"] - job["created_ms"]) // 1000,
        "output_ttl_s": None if output_ttl_ms is None else output_ttl_ms // 1000,
        "webhook": job["webhook"],
        "webhook_events": job["webhook_events"],
    }
    return {name: value for name, value in request.items() if value is not None or name == "output_ttl_s"}


def find_retry(connection: Connection, tenant: str, job_id: str) -> str | None:
    """Return the id of the job that is the retry of `job_id`, if there is one."""
    query = sa.select(jobs.c.id).where(jobs.c.retry_of == job_id, jobs.c.tenant == tenant)
    return connection.execute(query).scalar()


def store_retry(connection: Connection, again: AcceptedJob, job_id: str) -> StoredJob:
    """Store `again` as the retry of `job_id`, unless there is one already; NotFound."""
    known = find_retry(connection, again.caller.tenant, job_id)
    if known is not None:
        return StoredJob(known, None)
    own_job(connection, again.caller.tenant, job_id)
    insert_job(connection, again, retry_of=job_id)
    return StoredJob(again.id, again)
