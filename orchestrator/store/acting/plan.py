"""What past and waiting tasks tell of those to come."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.jobs.estimate import History
from orchestrator.jobs.states import AttemptEnd, TaskState
from orchestrator.store.tables import attempts, jobs, tasks

_LOOKED_AT = 500
"""The newest attempts, of all operations."""


def history_of(connection: Connection, operation: str) -> History:
    """Return what the newest tasks of an operation took that were done at the first attempt."""
    newest = (
        sa.select(attempts.c.task_id, attempts.c.job_id, attempts.c.execution_ms)
        .where(attempts.c.outcome == AttemptEnd.COMPLETED, attempts.c.n == 1)
        .order_by(attempts.c.task_id.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    query = (
        sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(tasks.c.cost_s), 0.0),
            sa.func.coalesce(sa.func.sum(newest.c.execution_ms), 0),
        )
        .select_from(newest)
        .join(tasks, tasks.c.id == newest.c.task_id)
        .join(jobs, jobs.c.id == newest.c.job_id)
        .where(jobs.c.operation == operation)
    )
    count, hinted_s, measured_ms = connection.execute(query).one()
    return History(count, float(hinted_s), float(measured_ms) / 1000)


def waiting_work_s(connection: Connection) -> float:
    """Return the hinted seconds of all tasks that have not ended."""
    query = sa.select(sa.func.coalesce(sa.func.sum(tasks.c.cost_s), 0.0)).where(
        tasks.c.status.in_((TaskState.WAITING, TaskState.ACTIVE))
    )
    return float(connection.execute(query).scalar_one())
