"""API keys from the terminal, straight in the server's database."""

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from rich.text import Text
from sqlalchemy import make_url

from orchestrator import keys
from orchestrator.settings import POOL_ENDPOINT, Settings
from orchestrator.store.keys import StoredKey
from orchestrator.store.migrate import upgrade
from orchestrator.store.store import Store
from revela.called_as import called_as
from revela.failures import UsageFault
from revela.keeping.spans import span_ms
from revela.rows import print_rows
from revela.server_settings import existing_data
from shared.clock import SystemClock, to_datetime
from shared.refusals import InvalidRequest

T = TypeVar("T")

_TYPED_AS = {"/name": "NAME", "/tenant": "--tenant", "/scopes": "--scope"}
"""What a field of a key is called on the command line."""
_WORKER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def create_key(
    data_dir: Path | None, name: str, tenant: str, scopes: Sequence[str], expires: str | None, *, as_json: bool
) -> None:
    """Make a key and print it, once; UsageFault for a name, tenant, scope or span that can't be."""
    clock = SystemClock()
    expires_ms = None if expires is None else clock.now_ms() + span_ms("--expires", expires)

    async def create(store: Store, settings: Settings) -> keys.CreatedKey:
        wanted = scopes or keys.DEFAULT_SCOPES
        return await keys.create_key(store, settings.signer(), clock, name, tenant, wanted, expires_ms)

    settings = existing_data(data_dir, may_create=True)
    try:
        made = with_store(settings, create)
    except InvalidRequest as wrong:
        faults = (f"{_TYPED_AS.get(fault.pointer, fault.pointer)}: {fault.detail}" for fault in wrong.errors)
        raise UsageFault("\n  ".join(faults)) from wrong
    _say_where(settings)
    if as_json:
        print(json.dumps({"id": made.id, "key": made.key, "webhook_secret": made.webhook_secret}))
        return
    print(f"key             {made.key}\nwebhook secret  {made.webhook_secret}\nid              {made.id}")
    print("The key is not shown again; send it as X-API-Key.")


def list_keys(data_dir: Path | None, tenant: str | None, *, as_json: bool) -> None:
    """Print the keys, ended ones too."""
    found = with_store(existing_data(data_dir, may_create=False), lambda store, _: keys.list_keys(store, tenant))
    if as_json:
        print(json.dumps([_plain(key) for key in found], indent=2))
        return
    print_rows(map(_row, found), ("id", "name", "tenant", "scopes", "created", "last used", "expires", "state"))


def revoke_key(data_dir: Path | None, key_id: str) -> None:
    """End a key; UsageFault if no living key has that id."""
    settings = existing_data(data_dir, may_create=False)
    if not with_store(settings, lambda store, _: keys.revoke_key(store, SystemClock(), key_id)):
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

    settings = existing_data(data_dir, may_create=True)
    token = with_store(settings, issue)
    _say_where(settings)
    if as_json:
        print(json.dumps({"id": worker_id, "token": token}))
        return
    url = f"{settings.public_url.rstrip('/')}/v2/{POOL_ENDPOINT}"
    print(f"{token}\njoin with: {called_as()} worker --url {url} --id {worker_id} --token {token}")


def with_store(settings: Settings, act: Callable[[Store, Settings], Awaitable[T]]) -> T:
    """Run `act` on the database that the settings name, at this release's schema."""
    upgrade(settings.resolved_database_url)

    async def run() -> T:
        store = Store(settings.resolved_database_url)
        try:
            return await act(store, settings)
        finally:
            await store.close()

    return asyncio.run(run())


def _say_where(settings: Settings) -> None:
    """Tell on standard error whose key was made: a server elsewhere would not know it."""
    place = f"the data directory {settings.data_dir.resolve()}"
    if settings.database_url is not None:
        place = f"the database {make_url(settings.database_url).render_as_string()} and {place}"
    print(f"made in {place}", file=sys.stderr)


def _row(key: StoredKey) -> tuple[str | Text, ...]:
    scopes, expires = " ".join(sorted(key.scopes)), minute(key.expires_ms)
    times = minute(key.created_ms), minute(key.last_used_ms), expires
    return key.id, key.name, key.tenant, scopes, *times, _state(key)


def _state(key: StoredKey) -> Text:
    if key.revoked_ms is not None:
        return Text("revoked", "yellow")
    if not key.valid_at(SystemClock().now_ms()):
        return Text("expired", "yellow")
    return Text("suspended", "yellow") if key.suspended else Text("valid", "green")


def _plain(key: StoredKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "tenant": key.tenant,
        "scopes": sorted(key.scopes),
        "created_at": iso(key.created_ms),
        "last_used_at": iso(key.last_used_ms),
        "expires_at": iso(key.expires_ms),
        "revoked_at": iso(key.revoked_ms),
        "suspended": key.suspended,
    }


def iso(epoch_ms: int | None) -> str | None:
    """Return a time as the API writes it."""
    return (
        None
        if epoch_ms is None
        else f"{to_datetime(epoch_ms).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    )


def minute(epoch_ms: int | None) -> str:
    """Return a time as a table shows it, in UTC; nothing for none."""
    return "" if epoch_ms is None else f"{to_datetime(epoch_ms):%Y-%m-%d %H:%M}"
