"""Who is asking."""

from dataclasses import dataclass

from shared.ids import KeyId, Tenant


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated client."""

    tenant: Tenant
    key_id: KeyId
    scopes: frozenset[str]
    source_hosts: tuple[str, ...] | None = None
    """Hosts that its inputs may come from; None: any."""
