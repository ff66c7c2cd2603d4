"""The log of deliveries as its tenant may see it, and sending an event once more."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from orchestrator.store.reading import job_status_of
from orchestrator.store.tables import deliveries, outbox, webhook_targets
from orchestrator.webhooks.lanes import rearm
from shared.clock import to_datetime
from shared.refusals import NotFound
from shared.wire.webhook import Delivery, DeliveryTry, DisabledAddress, EventState, FailingAddress

MAX_TRIES = 50
"""How many tries of an event are shown."""
MAX_ADDRESSES = 100


def deliveries_of(connection: Connection, tenant: str, job_id: str) -> list[Delivery]:
    """Return a job's events and their tries, oldest first; NotFound for a job that is not the tenant's."""
    if job_status_of(connection, tenant, job_id) is None:
        raise NotFound
    own = (outbox.c.tenant == tenant) & (outbox.c.job_id == job_id)
    return _views(connection, connection.execute(_EVENTS.where(own).order_by(outbox.c.seq)).all())


def redeliver(connection: Connection, tenant: str, event_id: str, now_ms: int) -> Delivery:
    """Begin a fresh round of tries of an event, at once and with the same id and bytes; return how it stands now.

    NotFound for an event that is not the tenant's.
    """
    own = (outbox.c.tenant == tenant) & (outbox.c.id == event_id)
    row = connection.execute(_EVENTS.where(own)).one_or_none()
    if row is None:
        raise NotFound
    fresh = {"state": EventState.WAITING, "step": 0, "round_ms": now_ms, "next_try_ms": now_ms}
    connection.execute(outbox.update().where(outbox.c.id == event_id).values(fresh))
    connection.execute(webhook_targets.update().where(webhook_targets.c.lane == row.lane).values(held_until_ms=0))
    rearm(connection, row.lane, tenant, row.url)
    [view] = _views(connection, connection.execute(_EVENTS.where(own)).all())
    return view


def forget_events(connection: Connection, tenant: str, job_id: str) -> None:
    """Remove a job's events with their tries, those that wait too: whoever deletes a job wants no more told of it."""
    connection.execute(outbox.delete().where(outbox.c.tenant == tenant, outbox.c.job_id == job_id))


def disabled_addresses(connection: Connection, tenant: str) -> list[DisabledAddress]:
    """Return the tenant's addresses that are sent nothing any more, the newest first."""
    target = webhook_targets.c
    query = (
        sa.select(target.url, target.disabled_ms)
        .where(target.tenant == tenant, target.disabled_ms.is_not(None))
        .order_by(target.disabled_ms.desc())
        .limit(MAX_ADDRESSES)
    )
    return [DisabledAddress(url=url, disabled_at=to_datetime(at_ms)) for url, at_ms in connection.execute(query)]


def failing_addresses(connection: Connection, tenant: str) -> list[FailingAddress]:
    """Return the tenant's addresses whose last try failed, those that fail longest first."""
    target = webhook_targets.c
    query = (
        sa.select(target.url, target.failing_ms, target.failures, target.next_ms)
        .where(target.tenant == tenant, target.disabled_ms.is_(None), target.failures > 0)
        .order_by(target.failing_ms)
        .limit(MAX_ADDRESSES)
    )
    return [
        FailingAddress(
            url=row.url,
            failing_since=to_datetime(row.failing_ms),
            failures=row.failures,
            next_try_at=None if row.next_ms is None else to_datetime(row.next_ms),
        )
        for row in connection.execute(query)
    ]


def _views(connection: Connection, events: Sequence[Row[*tuple[Any, ...]]]) -> list[Delivery]:
    tries = _tries(connection, [event.id for event in events])
    return [
        Delivery(
            id=event.id,
            job_id=event.job_id,
            type=event.type,
            url=event.url,
            state=event.state,
            created_at=to_datetime(event.created_ms),
            next_try_at=None if event.next_try_ms is None else to_datetime(event.next_try_ms),
            tries=tries[event.id],
        )
        for event in events
    ]


def _tries(connection: Connection, event_ids: Sequence[str]) -> dict[str, list[DeliveryTry]]:
    found: dict[str, list[DeliveryTry]] = defaultdict(list)
    query = (
        sa.select(deliveries)
        .join(outbox, outbox.c.id == deliveries.c.outbox_id)
        .where(deliveries.c.outbox_id.in_(event_ids), deliveries.c.n > outbox.c.tries - MAX_TRIES)
        .order_by(deliveries.c.outbox_id, deliveries.c.n)
    )
    for row in connection.execute(query):
        found[row.outbox_id].append(
            DeliveryTry(
                at=to_datetime(row.at_ms),
                duration_ms=row.duration_ms,
                http_status=row.http_status,
                response=row.response,
                error=row.error,
            )
        )
    return found


_EVENTS = sa.select(
    outbox.c.id,
    outbox.c.job_id,
    outbox.c.type,
    outbox.c.lane,
    outbox.c.url,
    outbox.c.state,
    outbox.c.created_ms,
    outbox.c.next_try_ms,
)
