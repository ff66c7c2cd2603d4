"""Changing a tenant's webhook secret, straight in the server's database.

As `revela keys` does: a key with the scope `admin`, which the API's own route needs, is rarely at hand when a secret
has leaked, and whoever runs the server needs none.
"""

import json
from pathlib import Path

from sqlalchemy.engine import Connection

from orchestrator.store.tenants import all_tenants
from orchestrator.webhooks.secrets import SecretState, rotate_secret
from revela.failures import UsageFault
from revela.keys import iso, with_store
from revela.server_settings import existing_data
from shared.clock import SystemClock


def rotate_tenant_secret(data_dir: Path | None, tenant: str, previous_valid_s: int, *, as_json: bool) -> None:
    """Give the tenant a new secret and print it, once; UsageFault for a tenant that there is not."""
    settings, now_ms = existing_data(data_dir, may_create=False), SystemClock().now_ms()

    def rotate(connection: Connection) -> SecretState:
        if tenant not in {row.tenant for row in all_tenants(connection)}:
            raise UsageFault(f"there is no tenant {tenant}; the first key makes one")
        return rotate_secret(connection, tenant, now_ms, previous_valid_s)

    state = with_store(settings, lambda store, _: store.write(rotate))
    secret, until = state.current(settings.signer()), iso(state.previous_until_ms)
    if as_json:
        print(json.dumps({"secret": secret, "previous_valid_until": until}))
        return
    old = f"signs as well until {until}" if previous_valid_s else "is ended"
    print(f"webhook secret  {secret}\nthe old one {old}")
