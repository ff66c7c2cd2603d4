"""Attempts on the way out: which tasks wait, the intent before a submit, and what became of the submit."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.jobs.accept import PRIORITIES
from orchestrator.jobs.fairness import Candidate
from orchestrator.jobs.states import AttemptState, TaskState
from orchestrator.jobs.terms import Terms, attempt_terms
from orchestrator.store import tables
from orchestrator.store.keeping.earlier import find_output
from orchestrator.store.prepared import Prepared, given
from orchestrator.store.uploading.uses import find_uploads
from shared.uploads.upload import UploadState
from shared.wire.media_input import MediaInput
from shared.wire.status import OPEN_STATUSES

tasks, attempts, items, jobs, tenants = tables.tasks, tables.attempts, tables.items, tables.jobs, tables.tenants

IN_FLIGHT = (AttemptState.SUBMITTING, AttemptState.UNKNOWN, AttemptState.SUBMITTED, AttemptState.RUNNING)


_WAITING = tasks.c.status == TaskState.WAITING
_FIRST_TENANT = Prepared(
    sa.select(sa.func.min(tasks.c.tenant).label("tenant")).where(_WAITING, tasks.c.tenant > given("after"))
)
_OLDEST = Prepared(
    sa.select(tasks.c.id, tasks.c.attempt, tasks.c.tenant, tasks.c.priority, tasks.c.created_ms)
    .where(
        _WAITING,
        tasks.c.tenant == given("tenant"),
        tasks.c.priority == given("priority"),
        tasks.c.not_before_ms <= given("now_ms"),
        tasks.c.queue_deadline_ms > given("now_ms"),
    )
    .order_by(tasks.c.id)
    .limit(given("limit"))
)
_TASK = tasks.c.id == given("task_id")
_ATTEMPT = (attempts.c.task_id == given("task_id")) & (attempts.c.n == given("n"))
_COUNT_IN_FLIGHT = Prepared(
    sa.select(attempts.c.tenant, sa.func.count().label("count"))
    .where(attempts.c.endpoint == given("endpoint"), attempts.c.state.in_(IN_FLIGHT))
    .group_by(attempts.c.tenant)
)
_EXPIRED = Prepared(
    sa.select(tasks.c.id).where(_WAITING, tasks.c.queue_deadline_ms <= given("now_ms")).limit(given("limit"))
)
_CLAIM = Prepared(
    tasks.update()
    .where(_TASK, tasks.c.attempt == given("last_n"), _WAITING)
    .values(attempt=given("n"), status=TaskState.ACTIVE)
)
_HEAD = Prepared(
    sa.select(
        tasks.c.tenant,
        tasks.c.job_id,
        tasks.c.n,
        jobs.c.operation,
        jobs.c.operation_version,
        tasks.c.cost_s,
        tasks.c.queue_deadline_ms,
        tenants.c.source_hosts,
    )
    .join(jobs, jobs.c.id == tasks.c.job_id)
    .join(tenants, tenants.c.tenant == tasks.c.tenant, isouter=True)
    .where(_TASK)
)
_ITEMS = Prepared(
    sa.select(items.c.n, items.c.item_id, items.c.params)
    .where(items.c.task_id == given("task_id"), items.c.status.in_(OPEN_STATUSES))
    .order_by(items.c.n)
)
_OPEN = Prepared(attempts.insert())
_COUNT_ATTEMPT = Prepared(
    jobs.update()
    .where(jobs.c.id == given("job_id"), jobs.c.attempts < given("n"))
    .values(attempts=given("n"), version=jobs.c.version + 1)
)
_SUBMITTED = Prepared(
    attempts.update()
    .where(_ATTEMPT, attempts.c.state.in_((AttemptState.SUBMITTING, AttemptState.UNKNOWN)))
    .values(state=AttemptState.SUBMITTED, provider_id=given("known_as"))
)
_PROVIDER_ID = Prepared(sa.select(attempts.c.provider_id).where(_ATTEMPT))


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
    source_hosts: list[str] | None
    """Hosts that the tenant's inputs may come from; None: any."""
    pinned: dict[str, str | None]
    """ETags that they had at their completion, by the text that names them."""


def count_in_flight(connection: Connection, endpoint: str) -> dict[str, int]:
    """Return how many attempts are, or may be, at the endpoint, by tenant."""
    return {row[0]: row[1] for row in _COUNT_IN_FLIGHT.all(connection, {"endpoint": endpoint})}


def waiting_tasks(connection: Connection, now_ms: int, limit: int) -> list[Candidate]:
    """Return the tasks that may be the next `limit` ones to go: of each tenant and priority the oldest.

    Tenants are found by leaps over the index, since one of them may have 100 000 tasks in it.
    """
    found: list[Candidate] = []
    tenant: str | None = _FIRST_TENANT.first(connection, {"after": ""}).tenant
    while tenant is not None:
        for priority in range(len(PRIORITIES)):
            wanted = {"tenant": tenant, "priority": priority, "now_ms": now_ms, "limit": limit}
            found += [Candidate(*row) for row in _OLDEST.all(connection, wanted)]
        tenant = _FIRST_TENANT.first(connection, {"after": tenant}).tenant
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
    if not _CLAIM.change(connection, {"task_id": task.id, "last_n": task.attempt, "n": n}):
        return None
    opened = _read_opened(connection, task.id, n, now_ms, least_execution_s)
    _OPEN.change(
        connection,
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
    _COUNT_ATTEMPT.change(connection, {"job_id": opened.job_id, "n": n})
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
    return _SUBMITTED.change(connection, {"task_id": task_id, "n": n, "known_as": provider_id}) > 0


def provider_id_of(connection: Connection, task_id: str, n: int) -> str | None:
    """Return the endpoint's id of an attempt, if it is known."""
    found = _PROVIDER_ID.first(connection, {"task_id": task_id, "n": n})
    return None if found is None else found.provider_id


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
    return [row.id for row in _EXPIRED.all(connection, {"now_ms": now_ms, "limit": limit})]


def _read_opened(connection: Connection, task_id: str, n: int, now_ms: int, least_execution_s: float) -> OpenedAttempt:
    head = _HEAD.first(connection, {"task_id": task_id})
    ordered = tuple(OrderedItem(*row) for row in _ITEMS.all(connection, {"task_id": task_id}))
    inputs, pinned = own_inputs(connection, head.tenant, ordered)
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
        own_inputs=inputs,
        source_hosts=head.source_hosts,
        pinned=pinned,
    )


def own_inputs(
    connection: Connection, tenant: str, ordered: Iterable[OrderedItem]
) -> tuple[dict[str, str], dict[str, str | None]]:
    """Return, by text, the storage keys of the uploads and earlier outputs that items need, and their known ETags."""
    own = {text for item in ordered for text in _own_texts(item.params)}
    uploads = {
        text: upload
        for text, upload in find_uploads(connection, tenant, filter(_is_upload, own)).items()
        if upload.state == UploadState.COMPLETED
    }
    found = {text: find_output(connection, tenant, MediaInput(text)) for text in own if not _is_upload(text)}
    outputs = {text: output for text, output in found.items() if output is not None}
    keys = {text: output.key for text, output in outputs.items()}
    pinned = {text: output.etag for text, output in outputs.items() if output.etag is not None}
    keys |= {text: upload.object_key for text, upload in uploads.items()}
    return keys, pinned | {text: upload.etag for text, upload in uploads.items()}


def _is_upload(text: str) -> bool:
    return text.startswith("upload://")


def _own_texts(value: Any) -> set[str]:
    """Return every text in stored params that names an upload or an earlier output."""
    match value:
        case str():
            return {value} if value.startswith(("upload://", "output://")) else set()
        case dict():
            return set().union(*map(_own_texts, value.values()))
        case list():
            return set().union(*map(_own_texts, value))
        case _:
            return set()
