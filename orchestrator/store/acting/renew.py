"""What a running attempt may be granted again: only the current one, and only what its order held."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.jobs.states import TaskState
from orchestrator.store.attempts import IN_FLIGHT, OrderedItem, own_inputs
from orchestrator.store.tables import attempts, items, jobs, tasks


@dataclass(frozen=True, slots=True)
class RunningAttempt:
    """The current attempt of a task, with the items that its order named."""

    tenant: str
    job_id: str
    task_n: int
    n: int
    operation: str
    deadline_ms: int
    items: tuple[OrderedItem, ...]


def running_attempt(connection: Connection, task_id: str, n: int, now_ms: int) -> RunningAttempt | None:
    """Return an attempt that may still work; None if it has ended, is not the current one, or was cancelled."""
    found = connection.execute(
        sa.select(
            attempts.c.tenant,
            attempts.c.job_id,
            tasks.c.n.label("task_n"),
            attempts.c.n,
            jobs.c.operation,
            attempts.c.deadline_ms,
            attempts.c.item_ns,
        )
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .join(jobs, jobs.c.id == attempts.c.job_id)
        .where(
            attempts.c.task_id == task_id,
            attempts.c.n == n,
            attempts.c.state.in_(IN_FLIGHT),
            attempts.c.deadline_ms > now_ms,
            tasks.c.attempt == n,
            tasks.c.status == TaskState.ACTIVE,
            jobs.c.cancelled_ms.is_(None),
        )
    ).one_or_none()
    if found is None:
        return None
    ordered = sa.select(items.c.n, items.c.item_id, items.c.params).where(items.c.task_id == task_id)
    named = set(found.item_ns)
    rows = [OrderedItem(*row) for row in connection.execute(ordered.order_by(items.c.n)) if row.n in named]
    return RunningAttempt(*found[:-1], items=tuple(rows))


def inputs_of(connection: Connection, attempt: RunningAttempt) -> dict[str, str]:
    """Return the storage keys of the attempt's uploads and earlier outputs, by the text that names them."""
    keys, _ = own_inputs(connection, attempt.tenant, attempt.items)
    return keys
