"""Deleting a job: its record at once, its objects by an order that is kept until they are gone."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.keeping.audit import AuditAction, record
from orchestrator.store.keeping.holds import refuse_if_held
from orchestrator.store.keeping.purges import order_purge
from orchestrator.store.keeping.uses import in_use
from orchestrator.store.reading import own_job
from orchestrator.store.tables import jobs
from orchestrator.webhooks.log import forget_events
from shared.refusals import JobNotEnded, OutputsInUse
from shared.wire.status import Status


def delete_job(connection: Connection, tenant: str, job_id: str, author: str, now_ms: int) -> None:
    """Remove an ended job's record, and order its objects' removal in the same breath.

    NotFound, JobNotEnded, LegalHold; OutputsInUse while another job needs them.
    """
    job = own_job(connection, tenant, job_id)
    refuse_if_held(connection, tenant, job)
    if not Status(job["status"]).terminal:
        raise JobNotEnded("The job has not ended; cancel it first, then delete it.")
    if connection.execute(sa.select(in_use(job_id))).scalar():
        raise OutputsInUse
    order_purge(connection, tenant, job_id, now_ms, expired=False)
    forget_events(connection, tenant, job_id)
    connection.execute(jobs.delete().where(jobs.c.id == job_id, jobs.c.tenant == tenant))
    record(
        connection,
        tenant,
        author,
        AuditAction.JOB_DELETED,
        job_id,
        now_ms,
        operation=job["operation"],
        items=job["items_total"],
    )
