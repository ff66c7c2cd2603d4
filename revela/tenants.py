"""Tenants from the terminal, straight in the server's database."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text
from sqlalchemy.engine import Connection

from orchestrator.store.keeping.audit import OPERATOR, AuditAction, record
from orchestrator.store.tenants import TenantRow, all_tenants, mark_suspended, set_source_hosts
from revela.failures import UsageFault
from revela.keys import iso, minute, with_store
from revela.rows import print_rows
from revela.server_settings import existing_data
from shared.addresses import HostList
from shared.clock import SystemClock
from shared.errors import SettingsError


def list_tenants(data_dir: Path | None, *, as_json: bool) -> None:
    """Print every tenant."""
    found = with_store(existing_data(data_dir, may_create=False), lambda store, _: store.read(all_tenants))
    if as_json:
        print(json.dumps([_plain(tenant) for tenant in found], indent=2))
        return
    print_rows(map(_row, found), ("tenant", "keys", "open items", "since", "sources", "state"))


def suspend_tenant(data_dir: Path | None, tenant: str) -> None:
    """Refuse all that a tenant's keys ask; what runs goes on. UsageFault if there is no tenant of that name."""
    _mark(data_dir, tenant, SystemClock().now_ms())
    print(f"{tenant} is suspended: its keys open nothing; what runs goes on")


def resume_tenant(data_dir: Path | None, tenant: str) -> None:
    """Let a tenant's keys open again what they did; UsageFault if there is no tenant of that name."""
    _mark(data_dir, tenant, None)
    print(f"{tenant} is active")


def set_sources(data_dir: Path | None, tenant: str, hosts: Sequence[str]) -> None:
    """Let a tenant's inputs come from `hosts` only, from any where there are none.

    UsageFault for a text that is no host, or if there is no tenant of that name.
    """
    try:
        only = HostList.parse(hosts).entries() or None
    except SettingsError as wrong:
        raise UsageFault(wrong.detail) from wrong
    settings, now_ms = existing_data(data_dir, may_create=False), SystemClock().now_ms()

    def limit(connection: Connection) -> None:
        if not set_source_hosts(connection, tenant, only):
            raise _no_such(tenant)
        record(connection, tenant, OPERATOR, AuditAction.TENANT_SOURCES, tenant, now_ms, hosts=only)

    with_store(settings, lambda store, _: store.write(limit))
    _print_sources(tenant, only)


def show_sources(data_dir: Path | None, tenant: str) -> None:
    """Print which hosts a tenant's inputs may come from; UsageFault if there is no tenant of that name."""
    found = with_store(existing_data(data_dir, may_create=False), lambda store, _: store.read(all_tenants))
    known = {row.tenant: row.source_hosts for row in found}
    if tenant not in known:
        raise _no_such(tenant)
    _print_sources(tenant, known[tenant])


def _mark(data_dir: Path | None, tenant: str, suspended_ms: int | None) -> None:
    settings, now_ms = existing_data(data_dir, may_create=False), SystemClock().now_ms()
    done = AuditAction.TENANT_RESUMED if suspended_ms is None else AuditAction.TENANT_SUSPENDED

    def mark(connection: Connection) -> None:
        if not mark_suspended(connection, tenant, suspended_ms):
            raise _no_such(tenant)
        record(connection, tenant, OPERATOR, done, tenant, now_ms)

    with_store(settings, lambda store, _: store.write(mark))


def _no_such(tenant: str) -> UsageFault:
    return UsageFault(f"there is no tenant {tenant}; the first key makes one")


def _row(tenant: TenantRow) -> tuple[str | Text, ...]:
    state = Text("active", "green") if tenant.suspended_ms is None else Text("suspended", "yellow")
    return (
        tenant.tenant,
        str(tenant.keys),
        str(tenant.open_items),
        minute(tenant.created_ms),
        _hosts(tenant.source_hosts),
        state,
    )


def _print_sources(tenant: str, hosts: Sequence[str] | None) -> None:
    print(f"{tenant}: inputs may come from {_hosts(hosts)}")


def _hosts(hosts: Sequence[str] | None) -> str:
    return "any host" if hosts is None else ", ".join(hosts)


def _plain(tenant: TenantRow) -> dict[str, object]:
    return {
        "tenant": tenant.tenant,
        "keys": tenant.keys,
        "open_items": tenant.open_items,
        "created_at": iso(tenant.created_ms),
        "suspended_at": iso(tenant.suspended_ms),
        "source_hosts": tenant.source_hosts,
    }
