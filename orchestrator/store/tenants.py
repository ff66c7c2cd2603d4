"""Tenants: how much of theirs is open, and whether they may act."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.prepared import Prepared, given
from orchestrator.store.tables import jobs, keys, tenants
from shared.refusals import InvalidRequest, QueueFull
from shared.wire.status import OPEN_STATUSES

_OWN = tenants.c.tenant == given("tenant")
_CHANGED = tenants.c.open_items + given("by")
_KNOWN = Prepared(sa.select(tenants.c.tenant).where(_OWN))
_MAKE = Prepared(tenants.insert())
_COUNT = Prepared(tenants.update().where(_OWN).values(open_items=_CHANGED))
_RESERVE = Prepared(tenants.update().where(_OWN, given("most") >= _CHANGED).values(open_items=_CHANGED))


@dataclass(frozen=True, slots=True)
class TenantRow:
    """One tenant; times in epoch milliseconds."""

    tenant: str
    created_ms: int
    suspended_ms: int | None
    open_items: int
    keys: int
    """That were not revoked."""
    source_hosts: list[str] | None
    """Hosts that its inputs may come from; None: any."""


def all_tenants(connection: Connection) -> list[TenantRow]:
    """Return every tenant, by name."""
    living = (
        sa.select(sa.func.count())
        .where(keys.c.tenant == tenants.c.tenant, keys.c.revoked_ms.is_(None))
        .scalar_subquery()
        .label("keys")
    )
    columns = (
        tenants.c.tenant,
        tenants.c.created_ms,
        tenants.c.suspended_ms,
        tenants.c.open_items,
        living,
        tenants.c.source_hosts,
    )
    return [TenantRow(*row) for row in connection.execute(sa.select(*columns).order_by(tenants.c.tenant))]


def mark_suspended(connection: Connection, tenant: str, now_ms: int | None) -> bool:
    """Suspend a tenant, or with None let it act again; return whether there is such a tenant.

    Servers follow within 10 seconds: as long they believe a key without asking.
    """
    since = now_ms if now_ms is None else sa.func.coalesce(tenants.c.suspended_ms, now_ms)
    marked = connection.execute(tenants.update().where(tenants.c.tenant == tenant).values(suspended_ms=since))
    return marked.rowcount == 1


def set_source_hosts(connection: Connection, tenant: str, hosts: Sequence[str] | None) -> bool:
    """Let a tenant's inputs come from these hosts only, or with None from any; return whether there is such a tenant.

    Servers follow within 10 seconds, and work that has not been handed out yet does as well.
    """
    kept = None if hosts is None else list(hosts)
    marked = connection.execute(tenants.update().where(tenants.c.tenant == tenant).values(source_hosts=kept))
    return marked.rowcount == 1


def ensure_tenant(connection: Connection, tenant: str, now_ms: int) -> None:
    """Make a tenant's row if there is none."""
    if _KNOWN.first(connection, {"tenant": tenant}) is None:
        _MAKE.change(connection, {"tenant": tenant, "created_ms": now_ms})


def is_suspended(connection: Connection, tenant: str) -> bool:
    """Return whether a tenant may do nothing at present."""
    return connection.execute(sa.select(tenants.c.suspended_ms).where(tenants.c.tenant == tenant)).scalar() is not None


def open_items(connection: Connection, tenant: str) -> int:
    """Return how many of a tenant's items have not ended."""
    return connection.execute(sa.select(tenants.c.open_items).where(tenants.c.tenant == tenant)).scalar() or 0


def reserve_items(connection: Connection, tenant: str, count: int, most: int, now_ms: int) -> None:
    """Count items in, in one statement that looks and counts; QueueFull if they would be more than `most`.

    InvalidRequest if they alone are: no waiting would help.
    A tenant has a row since its first key was made; one that has none all the same gets it here.
    """
    wanted = {"tenant": tenant, "by": count, "most": most}
    if _RESERVE.change(connection, wanted):
        return
    if count > most:
        raise InvalidRequest(f"A job of {count} items is more than this server lets one tenant have open, {most}.")
    ensure_tenant(connection, tenant, now_ms)
    if _RESERVE.change(connection, wanted):
        return
    already = open_items(connection, tenant)
    raise QueueFull(f"{already} items are waiting or running, and {count} more would pass this server's {most}.")


def change_open_items(connection: Connection, tenant: str, by: int) -> None:
    """Count items out (or in); kept as a number, since counting 100 000 rows at every submit would be the submit."""
    _COUNT.change(connection, {"tenant": tenant, "by": by})


def recount_open_items(connection: Connection) -> None:
    """Set every tenant's number anew from its jobs; at the start, so that no miscount lives on."""
    counted = (
        sa.select(sa.func.coalesce(sa.func.sum(jobs.c.items_total - jobs.c.items_succeeded - jobs.c.items_failed), 0))
        .where(jobs.c.tenant == tenants.c.tenant, jobs.c.status.in_(OPEN_STATUSES))
        .scalar_subquery()
    )
    connection.execute(tenants.update().values(open_items=counted))
