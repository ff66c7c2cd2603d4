"""Attempts on the way out: which tasks wait, the intent before a submit, and what became of the submit."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.jobs.accept import PRIORITIES
from orchestrator.jobs.fairness import Candidate
from orchestrator.jobs.states import AttemptState, TaskState
from orchestrator.jobs.terms import Terms, attempt_terms
from orchestrator.store import tables
from orchestrator.store.submit import find_output
from shared.wire.media_input import MediaInput
from shared.wire.status import Status

tasks, attempts, items, jobs = tables.tasks, tables.attempts, tables.items, tables.jobs

IN_FLIGHT = (AttemptState.SUBMITTING, AttemptState.UNKNOWN, AttemptState.SUBMITTED, AttemptState.RUNNING)


_WAITING = tasks.c.status == TaskState.WAITING
_FIRST_TENANT = sa.select(sa.func.min(tasks.c.tenant)).where(_WAITING, tasks.c.tenant > sa.bindparam("after"))
_OLDEST = (
    sa.select(tasks.c.id, tasks.c.attempt, tasks.c.tenant, tasks.c.priority, tasks.c.created_ms)
    .where(
        _WAITING,
        tasks.c.tenant == sa.bindparam("tenant"),
        tasks.c.priority == sa.bindparam("priority"),
        tasks.c.not_before_ms <= sa.bindparam("now_ms"),
    )
    .order_by(tasks.c.id)
    .limit(sa.bindparam("limit"))
)


@dataclass(frozen=True, slots=True)
class OrderedItem:
    """An item as its order needs it."""

    n: int
    id: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OpenedAttempt:
    """A stored intent, and all that its work order is made of."""

    task_id: str
    n: int
    tenant: str
    job_id: str
    task_n: int
    operation: str
    operation_version: int
    terms: Terms
    items: tuple[OrderedItem, ...]
    own_inputs: dict[str, str]
    """Storage keys of the uploads and earlier outputs, by the text that names them; a lost one is missing."""


def count_in_flight(connection: Connection, endpoint: str) -> dict[str, int]:
    """Return how many attempts are, or may be, at the endpoint, by tenant."""
    query = (
        sa.select(attempts.c.tenant, sa.func.count())
        .where(attempts.c.endpoint == endpoint, attempts.c.state.in_(IN_FLIGHT))
        .group_by(attempts.c.tenant)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def waiting_tasks(connection: Connection, now_ms: int, limit: int) -> list[Candidate]:
    """Return the tasks that may be the next `limit` ones to go: of each tenant and priority the oldest.

    Tenants are found by leaps over the index, since one of them may have 100 000 tasks in it.
    """
    found: list[Candidate] = []
    tenant: str | None = connection.execute(_FIRST_TENANT, {"after": ""}).scalar()
    while tenant is not None:
        for priority in range(len(PRIORITIES)):
            wanted = {"tenant": tenant, "priority": priority, "now_ms": now_ms, "limit": limit}
            found += [Candidate(*row) for row in connection.execute(_OLDEST, wanted)]
        tenant = connection.execute(_FIRST_TENANT, {"after": tenant}).scalar()
    return found


def open_attempt(
    connection: Connection,
    task: Candidate,
    endpoint: str,
    now_ms: int,
    *,
    least_execution_s: float,
    price_per_s: float | None = None,
) -> OpenedAttempt | None:
    """Store the intent to submit; None if the task was taken or ended in the meantime."""
    n = task.attempt + 1
    claimed = connection.execute(
        tasks.update()
        .where(tasks.c.id == task.id, tasks.c.attempt == task.attempt, tasks.c.status == TaskState.WAITING)
        .values(attempt=n, status=TaskState.ACTIVE)
    )
    if claimed.rowcount == 0:
        return None
    opened = _read_opened(connection, task.id, n, now_ms, least_execution_s)
    connection.execute(
        attempts.insert(),
        {
            "task_id": task.id,
            "n": n,
            "tenant": opened.tenant,
            "job_id": opened.job_id,
            "endpoint": endpoint,
            "state": AttemptState.SUBMITTING,
            "item_ns": [item.n for item in opened.items],
            "submitted_ms": now_ms,
            "deadline_ms": opened.terms.deadline_ms,
            "price_per_s": price_per_s,
        },
    )
    connection.execute(
        jobs.update()
        .where(jobs.c.id == opened.job_id, jobs.c.attempts < n)
        .values(attempts=n, version=jobs.c.version + 1)
    )
    return opened


def withdraw_attempt(connection: Connection, task_id: str, n: int, not_before_ms: int) -> None:
    """Undo an intent whose submit was certainly not taken; its number is free again."""
    gone = connection.execute(
        attempts.delete().where(
            attempts.c.task_id == task_id, attempts.c.n == n, attempts.c.state == AttemptState.SUBMITTING
        )
    )
    if gone.rowcount:
        connection.execute(
            tasks.update()
            .where(tasks.c.id == task_id, tasks.c.attempt == n, tasks.c.status == TaskState.ACTIVE)
            .values(attempt=n - 1, status=TaskState.WAITING, not_before_ms=not_before_ms)
        )


def mark_submitted(connection: Connection, task_id: str, n: int, provider_id: str) -> bool:
    """Keep the endpoint's id; False if the attempt was settled or found otherwise in the meantime."""
    return (
        connection.execute(
            attempts.update()
            .where(
                attempts.c.task_id == task_id,
                attempts.c.n == n,
                attempts.c.state.in_((AttemptState.SUBMITTING, AttemptState.UNKNOWN)),
            )
            .values(state=AttemptState.SUBMITTED, provider_id=provider_id)
        ).rowcount
        > 0
    )


def provider_id_of(connection: Connection, task_id: str, n: int) -> str | None:
    """Return the endpoint's id of an attempt, if it is known."""
    return connection.execute(
        sa.select(attempts.c.provider_id).where(attempts.c.task_id == task_id, attempts.c.n == n)
    ).scalar()


def mark_unknown(connection: Connection, task_id: str, n: int) -> None:
    """Keep that nobody knows whether the endpoint took the task."""
    connection.execute(
        attempts.update()
        .where(attempts.c.task_id == task_id, attempts.c.n == n, attempts.c.state == AttemptState.SUBMITTING)
        .values(state=AttemptState.UNKNOWN)
    )


def mark_interrupted_unknown(connection: Connection) -> int:
    """At start: every submit that was under way when the last process ended is unknown. Return how many."""
    return connection.execute(
        attempts.update().where(attempts.c.state == AttemptState.SUBMITTING).values(state=AttemptState.UNKNOWN)
    ).rowcount


def expired_tasks(connection: Connection, now_ms: int, limit: int = 100) -> list[str]:
    """Return tasks that still wait in our queue past their job's queue deadline."""
    query = sa.select(tasks.c.id).where(tasks.c.status == TaskState.WAITING, tasks.c.queue_deadline_ms <= now_ms)
    return list(connection.execute(query.limit(limit)).scalars())


def _read_opened(connection: Connection, task_id: str, n: int, now_ms: int, least_execution_s: float) -> OpenedAttempt:
    head = connection.execute(
        sa.select(
            tasks.c.tenant,
            tasks.c.job_id,
            tasks.c.n,
            jobs.c.operation,
            jobs.c.operation_version,
            tasks.c.cost_s,
            tasks.c.queue_deadline_ms,
        )
        .join(jobs, jobs.c.id == tasks.c.job_id)
        .where(tasks.c.id == task_id)
    ).one()
    ordered = tuple(
        OrderedItem(*row)
        for row in connection.execute(
            sa.select(items.c.n, items.c.item_id, items.c.params)
            .where(items.c.task_id == task_id, items.c.status.in_((Status.IN_QUEUE, Status.IN_PROGRESS)))
            .order_by(items.c.n)
        )
    )
    own = {text for item in ordered for text in _own_texts(item.params)}
    found = {text: find_output(connection, head.tenant, MediaInput(text)) for text in own}
    return OpenedAttempt(
        task_id=task_id,
        n=n,
        tenant=head.tenant,
        job_id=head.job_id,
        task_n=head.n,
        operation=head.operation,
        operation_version=head.operation_version,
        terms=attempt_terms(head.cost_s, head.queue_deadline_ms, now_ms, least_execution_s),
        items=ordered,
        own_inputs={text: key for text, key in found.items() if key},
    )


def _own_texts(value: Any) -> set[str]:
    """Return every text in stored params that names an earlier output."""
    match value:
        case str():
            return {value} if value.startswith("output://") else set()
        case dict():
            return set().union(*map(_own_texts, value.values()))
        case list():
            return set().union(*map(_own_texts, value))
        case _:
            return set()
