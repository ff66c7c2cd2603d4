"""The rows of API keys. Nothing here can be turned back into a key."""

from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from orchestrator.store.tables import keys, tenants
from orchestrator.store.tenants import ensure_tenant
from shared.ids import KeyId, Tenant


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One API key as the database knows it; times in epoch milliseconds."""

    id: KeyId
    tenant: Tenant
    name: str
    secret_hash: bytes = field(repr=False)
    """SHA-256 of the secret."""
    scopes: frozenset[str]
    created_ms: int
    expires_ms: int | None = None
    last_used_ms: int | None = None
    revoked_ms: int | None = None
    suspended: bool = False
    """Whether its tenant is."""
    source_hosts: tuple[str, ...] | None = None
    """Hosts that its tenant's inputs may come from; None: any."""

    def valid_at(self, now_ms: int) -> bool:
        """Whether the key opens anything at `now_ms`."""
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)


_KEYS = sa.select(keys, sa.func.coalesce(tenants.c.suspended_ms, 0).label("suspended"), tenants.c.source_hosts).join(
    tenants, tenants.c.tenant == keys.c.tenant, isouter=True
)


def insert_key(connection: Connection, key: StoredKey) -> None:
    """Store a fresh key, and its tenant if it is the first."""
    ensure_tenant(connection, key.tenant, key.created_ms)
    connection.execute(
        keys.insert().values(
            id=key.id,
            tenant=key.tenant,
            name=key.name,
            secret_hash=key.secret_hash,
            scopes=sorted(key.scopes),
            created_ms=key.created_ms,
            expires_ms=key.expires_ms,
        )
    )


def find_key(connection: Connection, key_id: str) -> StoredKey | None:
    """Return the key of that id, whatever state it is in."""
    row = connection.execute(_KEYS.where(keys.c.id == key_id)).one_or_none()
    return None if row is None else _stored_key(row)


def all_keys(connection: Connection, tenant: str | None) -> list[StoredKey]:
    """Return a tenant's keys (everyone's for None), oldest first."""
    query = _KEYS.order_by(keys.c.created_ms, keys.c.id)
    if tenant is not None:
        query = query.where(keys.c.tenant == tenant)
    return [_stored_key(row) for row in connection.execute(query)]


def mark_revoked(connection: Connection, key_id: str, now_ms: int) -> bool:
    """End a key; return whether there was one that was not ended before."""
    ended = connection.execute(
        keys.update().where(keys.c.id == key_id, keys.c.revoked_ms.is_(None)).values(revoked_ms=now_ms)
    )
    return ended.rowcount == 1


def mark_used(connection: Connection, key_id: str, now_ms: int) -> None:
    """Note that a key was used."""
    connection.execute(keys.update().where(keys.c.id == key_id).values(last_used_ms=now_ms))


def _stored_key(row: Row[tuple[object, ...]]) -> StoredKey:
    values = row._asdict()
    return StoredKey(
        **{
            **values,
            "scopes": frozenset(values["scopes"]),
            "secret_hash": bytes(values["secret_hash"]),
            "suspended": bool(values["suspended"]),
            "source_hosts": None if values["source_hosts"] is None else tuple(values["source_hosts"]),
        }
    )
