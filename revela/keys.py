"""API keys from the terminal, straight in the server's database."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from orchestrator import keys
from orchestrator.settings import POOL_ENDPOINT, Settings
from orchestrator.store.keys import StoredKey
from orchestrator.store.migrate import upgrade
from orchestrator.store.store import Store
from revela.failures import UsageFault
from revela.server_settings import load_settings
from shared.clock import SystemClock, to_datetime

T = TypeVar("T")

_WORKER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def create_key(data_dir: Path | None, name: str, tenant: str, scopes: Sequence[str], *, as_json: bool) -> None:
    """Make a key and print it, once; InvalidRequest for a name, tenant or scope that can't be."""

    async def create(store: Store, settings: Settings) -> keys.CreatedKey:
        wanted = scopes or keys.DEFAULT_SCOPES
        return await keys.create_key(store, settings.signer(), SystemClock(), name, tenant, wanted)

    made = _with_store(data_dir, create)
    if as_json:
        print(json.dumps({"id": made.id, "key": made.key, "webhook_secret": made.webhook_secret}))
        return
    print(f"key             {made.key}\nwebhook secret  {made.webhook_secret}\nid              {made.id}")
    print("The key is not shown again; send it as X-API-Key.")


def list_keys(data_dir: Path | None, tenant: str | None, *, as_json: bool) -> None:
    """Print the keys, ended ones too."""
    found = _with_store(data_dir, lambda store, _: keys.list_keys(store, tenant))
    if as_json:
        print(json.dumps([_plain(key) for key in found], indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "name", "tenant", "scopes", "created", "last used", "state"):
        table.add_column(heading)
    for key in found:
        state = "valid" if key.valid_at(SystemClock().now_ms()) else "ended"
        scopes = " ".join(sorted(key.scopes))
        table.add_row(key.id, key.name, key.tenant, scopes, _time(key.created_ms), _time(key.last_used_ms), state)
    Console(highlight=False, markup=False).print(table)


def revoke_key(data_dir: Path | None, key_id: str) -> None:
    """End a key; UsageFault if no living key has that id."""
    if not _with_store(data_dir, lambda store, _: keys.revoke_key(store, SystemClock(), key_id)):
        raise UsageFault(f"there is no valid key with the id {key_id}")
    print(f"{key_id} is revoked")


def create_worker_token(data_dir: Path | None, worker_id: str, *, as_json: bool) -> None:
    """Make a token for a worker of this server's pool and print it, once; UsageFault for an id that can't be."""
    if not _WORKER_ID.fullmatch(worker_id):
        raise UsageFault(f"{worker_id}: a worker's id is 1 to 64 of A-Z, a-z, 0-9, - and _")

    from orchestrator.pool.pool import Pool

    async def issue(store: Store, _: Settings) -> str:
        pool = Pool(store, SystemClock(), POOL_ENDPOINT, ())
        try:
            return await pool.issue_worker(worker_id)
        finally:
            await pool.close()

    token = _with_store(data_dir, issue)
    if as_json:
        print(json.dumps({"id": worker_id, "token": token}))
        return
    url = f"{load_settings(data_dir).public_url.rstrip('/')}/v2/{POOL_ENDPOINT}"
    print(f"{token}\njoin with: revela worker --url {url} --id {worker_id} --token {token}")


def _with_store(data_dir: Path | None, act: Callable[[Store, Settings], Awaitable[T]]) -> T:
    """Run `act` on the database that the settings name, at this release's schema."""
    settings = load_settings(data_dir)
    upgrade(settings.resolved_database_url)

    async def run() -> T:
        store = Store(settings.resolved_database_url)
        try:
            return await act(store, settings)
        finally:
            await store.close()

    return asyncio.run(run())


def _plain(key: StoredKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "tenant": key.tenant,
        "scopes": sorted(key.scopes),
        "created_at": _iso(key.created_ms),
        "last_used_at": _iso(key.last_used_ms),
        "expires_at": _iso(key.expires_ms),
        "revoked_at": _iso(key.revoked_ms),
    }


def _iso(epoch_ms: int | None) -> str | None:
    return None if epoch_ms is None else to_datetime(epoch_ms).isoformat()


def _time(epoch_ms: int | None) -> str:
    return "" if epoch_ms is None else f"{to_datetime(epoch_ms):%Y-%m-%d %H:%M}"
