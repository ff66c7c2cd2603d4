"""Cancelling a job."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.attempts import IN_FLIGHT
from orchestrator.store.events import Announce
from orchestrator.store.reading import own_job
from orchestrator.store.settling import end_waiting_if_cancelled
from orchestrator.store.tables import attempts, jobs
from shared.wire.status import Status


def accept_cancel(
    connection: Connection, announce: Announce, tenant: str, job_id: str, now_ms: int
) -> list[tuple[str, int]]:
    """Accept the cancel of a job, and end at once what no worker has; NotFound. A second one changes nothing.

    Return the attempts (task, number) that are at the endpoint and have to be stopped there.
    """
    job = own_job(connection, tenant, job_id)
    if Status(job["status"]).terminal:
        return []
    connection.execute(
        jobs.update()
        .where(jobs.c.id == job_id, jobs.c.cancelled_ms.is_(None))
        .values(cancelled_ms=now_ms, version=jobs.c.version + 1)
    )
    end_waiting_if_cancelled(connection, announce, job_id, now_ms)
    flying = sa.select(attempts.c.task_id, attempts.c.n).where(
        attempts.c.job_id == job_id, attempts.c.state.in_(IN_FLIGHT)
    )
    return [(row.task_id, row.n) for row in connection.execute(flying)]
