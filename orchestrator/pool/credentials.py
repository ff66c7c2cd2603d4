"""Who may act as a worker: one token per worker, kept as a hash; plain functions on a connection."""

import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.prepared import Prepared, given
from orchestrator.store.tables import pool_workers

_VALID = Prepared(
    sa.select(
        pool_workers.c.id,
        pool_workers.c.endpoint,
        pool_workers.c.token_hash,
        pool_workers.c.local,
    ).where(pool_workers.c.id == given("worker_id"), pool_workers.c.revoked_ms.is_(None))
)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that holds a token."""

    id: str
    endpoint: str
    token_hash: bytes
    local: bool


def new_token() -> str:
    """Return a fresh worker token: `wk_` and 43 URL-safe characters."""
    return f"wk_{secrets.token_urlsafe(32)}"


def token_hash(token: str) -> bytes:
    """Return what is kept of a worker's token; it has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def put_worker(connection: Connection, worker: Worker, now_ms: int) -> None:
    """Store a worker's token; a worker of that id gets the new one and may take jobs again."""
    values = {"endpoint": worker.endpoint, "token_hash": worker.token_hash, "local": worker.local, "revoked_ms": None}
    changed = connection.execute(pool_workers.update().where(pool_workers.c.id == worker.id).values(values))
    if not changed.rowcount:
        connection.execute(pool_workers.insert().values(id=worker.id, created_ms=now_ms, **values))


def revoke_worker(connection: Connection, worker_id: str, now_ms: int) -> None:
    """Make a worker's token worthless; its jobs then count as lost."""
    connection.execute(pool_workers.update().where(pool_workers.c.id == worker_id).values(revoked_ms=now_ms))


def delete_worker(connection: Connection, worker_id: str) -> None:
    """Forget a worker."""
    connection.execute(pool_workers.delete().where(pool_workers.c.id == worker_id))


def delete_local_workers(connection: Connection, endpoint: str) -> None:
    """Forget the local workers of an earlier run of this server: they died with it."""
    connection.execute(pool_workers.delete().where(pool_workers.c.endpoint == endpoint, pool_workers.c.local))


def find_worker(connection: Connection, worker_id: str) -> Worker | None:
    """Return a worker whose token is valid."""
    row = _VALID.first(connection, {"worker_id": worker_id})
    return None if row is None else Worker(*row)


def note_ping(connection: Connection, worker_id: str, now_ms: int) -> None:
    """Remember that a worker pings; a restarted server then knows that its silence means something."""
    connection.execute(pool_workers.update().where(pool_workers.c.id == worker_id).values(last_ping_ms=now_ms))
