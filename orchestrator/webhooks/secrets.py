"""A tenant's webhook secret: derived from a number that rotation counts up; the one before signs on for a while."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.keeping.audit import OPERATOR, AuditAction, record
from orchestrator.store.tables import tenants
from orchestrator.store.tenants import ensure_tenant
from shared.signing import Signer
from shared.webhooks.signature import encode_secret

OVERLAP_S = 86_400
"""How long the previous secret signs as well, unless it is said otherwise: a day to change every receiver."""


@dataclass(frozen=True, slots=True)
class SecretState:
    """Which secrets a tenant has; nothing in it is secret."""

    tenant: str
    generation: int = 1
    since_ms: int | None = None
    """When the present secret was made; None for a tenant that has not done anything yet."""
    previous_until_ms: int | None = None

    def current(self, signer: Signer) -> str:
        """Return the present secret."""
        return _secret(signer, self.tenant, self.generation)

    def signing(self, signer: Signer, now_ms: int) -> list[str]:
        """Return the secrets that sign at `now_ms`, the present one first."""
        secrets = [self.current(signer)]
        if self.previous_until_ms is not None and now_ms < self.previous_until_ms:
            secrets.append(_secret(signer, self.tenant, self.generation - 1))
        return secrets


def secret_state(connection: Connection, tenant: str) -> SecretState:
    """Return which secrets a tenant has."""
    row = connection.execute(_STATE, {"of": tenant}).one_or_none()
    if row is None:
        return SecretState(tenant)
    return SecretState(tenant, row.webhook_secret_n, row.since_ms, row.webhook_previous_until_ms)


def rotate_secret(
    connection: Connection, tenant: str, now_ms: int, overlap_s: int = OVERLAP_S, author: str = OPERATOR
) -> SecretState:
    """Give the tenant a new secret; the present one signs on for `overlap_s`, one before that no longer."""
    ensure_tenant(connection, tenant, now_ms)
    changed = {
        "webhook_secret_n": tenants.c.webhook_secret_n + 1,
        "webhook_rotated_ms": now_ms,
        "webhook_previous_until_ms": now_ms + overlap_s * 1000,
    }
    connection.execute(tenants.update().where(tenants.c.tenant == tenant).values(changed))
    record(connection, tenant, author, AuditAction.SECRET_ROTATED, tenant, now_ms, previous_valid_s=overlap_s)
    return secret_state(connection, tenant)


def _secret(signer: Signer, tenant: str, generation: int) -> str:
    return encode_secret(signer.derive(f"webhook:{tenant}:{generation}"))


_STATE = sa.select(
    tenants.c.webhook_secret_n,
    sa.func.coalesce(tenants.c.webhook_rotated_ms, tenants.c.created_ms).label("since_ms"),
    tenants.c.webhook_previous_until_ms,
).where(tenants.c.tenant == sa.bindparam("of"))
