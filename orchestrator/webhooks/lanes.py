"""Lanes: everything that goes to one address of one tenant, in the order of its events, one at a time.

An event's row waits in `outbox`; its lane's row in `webhook_targets` says when the first of the lane may go, so that
looking for work costs the same whatever number waits for a dead address. A lane without work has no row, unless its
address is disabled.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.tables import outbox, webhook_targets
from shared.wire.webhook import EventState

CANDIDATES = 64
"""How many lanes one look returns at most."""
_HALF = 32
"""Hexadecimal digits: a lane begins with its host's, so that the lanes of a host are found without a column for it."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be delivered; `body` is the JSON that every try sends."""

    id: str
    tenant: str
    job_id: str
    type: str
    url: str
    body: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class DueLane:
    """A lane that may send; `failures` in a row are behind it."""

    lane: str
    tenant: str
    url: str
    failures: int

    @property
    def host(self) -> str:
        """The host of its address, as `host_of` tells it."""
        return self.lane[:_HALF]


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event whose next try may be made."""

    id: str
    tenant: str
    job_id: str
    type: str
    lane: str
    url: str
    body: str

    @property
    def host(self) -> str:
        """The host of its address, as `host_of` tells it."""
        return self.lane[:_HALF]


def lane_of(tenant: str, url: str) -> str:
    """Return the lane of a tenant's address."""
    return host_of(tenant, url) + _half_hash(tenant, url)


def host_of(tenant: str, url: str) -> str:
    """Return what the lanes of a tenant at one host and port begin with."""
    return _half_hash(tenant, urlsplit(url).netloc.lower())


def _half_hash(tenant: str, text: str) -> str:
    return hashlib.sha256(f"{tenant}\0{text}".encode()).hexdigest()[:_HALF]


def add_event(connection: Connection, event: NewEvent) -> bool:
    """Write an event; return whether it is to be sent, which it is not to a disabled address."""
    lane = lane_of(event.tenant, event.url)
    target = connection.execute(_TARGET, {"of": lane}).one_or_none()
    disabled = target is not None and target.disabled_ms is not None
    connection.execute(
        outbox.insert(),
        {
            "id": event.id,
            "tenant": event.tenant,
            "job_id": event.job_id,
            "type": event.type,
            "lane": lane,
            "url": event.url,
            "body": event.body,
            "state": EventState.DISABLED if disabled else EventState.WAITING,
            "created_ms": event.at_ms,
            "round_ms": event.at_ms,
            "next_try_ms": None if disabled else event.at_ms,
        },
    )
    if not disabled:
        rearm(connection, lane, event.tenant, event.url)
    return not disabled


def rearm(connection: Connection, lane: str, tenant: str, url: str) -> None:
    """Set anew when a lane's first event may go; remove the row of a lane that has nothing to say."""
    target = connection.execute(_TARGET, {"of": lane}).one_or_none()
    first_ms = connection.execute(_FIRST, {"of": lane}).scalar()
    if target is None:
        if first_ms is not None:
            row = {"lane": lane, "tenant": tenant, "url": url, "next_ms": first_ms}
            connection.execute(webhook_targets.insert(), row)
        return
    here = webhook_targets.c.lane == lane
    if first_ms is None and target.disabled_ms is None:
        connection.execute(webhook_targets.delete().where(here))
        return
    next_ms = None if first_ms is None else max(first_ms, target.held_until_ms)
    if next_ms != target.next_ms:
        connection.execute(webhook_targets.update().where(here).values(next_ms=next_ms))


def due_lanes(
    connection: Connection,
    now_ms: int,
    busy: Collection[str],
    full: Collection[str],
    full_of_doubtful: Collection[str],
    proven: Collection[str],
    *,
    doubtful_too: bool,
) -> list[DueLane]:
    """Return lanes with something to send, the longest due first.

    Without the `busy` ones, those of the tenants in `full`, and of doubtful ones those of `full_of_doubtful`: doubtful
    is what failed last, and what is at none of the `proven` hosts.
    """
    lanes = webhook_targets.c
    query = sa.select(lanes.lane, lanes.tenant, lanes.url, lanes.failures).where(
        lanes.next_ms <= now_ms, lanes.lane.not_in(busy), lanes.tenant.not_in(full)
    )
    sure = (lanes.failures == 0) & sa.func.substr(lanes.lane, 1, _HALF).in_(proven)
    if not doubtful_too:
        query = query.where(sure)
    elif full_of_doubtful:
        query = query.where(lanes.tenant.not_in(full_of_doubtful) | sure)
    return [DueLane(*row) for row in connection.execute(query.order_by(lanes.next_ms).limit(CANDIDATES))]


def first_due(connection: Connection, lane: str, now_ms: int) -> DueEvent | None:
    """Return the event that a lane has to send first; None if none is due."""
    row = connection.execute(_FIRST_DUE, {"of": lane, "now_ms": now_ms}).one_or_none()
    return None if row is None else DueEvent(*row)


_TARGET = sa.select(webhook_targets.c.disabled_ms, webhook_targets.c.held_until_ms, webhook_targets.c.next_ms).where(
    webhook_targets.c.lane == sa.bindparam("of")
)
_WAITING = (outbox.c.lane == sa.bindparam("of")) & (outbox.c.state == EventState.WAITING)
_FIRST = sa.select(outbox.c.next_try_ms).where(_WAITING).order_by(outbox.c.next_try_ms, outbox.c.seq).limit(1)
_FIRST_DUE = (
    sa.select(outbox.c.id, outbox.c.tenant, outbox.c.job_id, outbox.c.type, outbox.c.lane, outbox.c.url, outbox.c.body)
    .where(_WAITING, outbox.c.next_try_ms <= sa.bindparam("now_ms"))
    .order_by(outbox.c.next_try_ms, outbox.c.seq)
    .limit(1)
)
