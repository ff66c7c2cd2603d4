"""Opening a database, and a transaction on it: how each kind is told to keep what it was given."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from orchestrator.store.prepared import run

T = TypeVar("T")

READERS = 4
_BEGIN = "revela_begin"
"""The execution option that holds the word with which an engine's transactions begin; none where the driver says it."""


def open_engines(url: str) -> tuple[Engine, Engine]:
    """Return (writer, reader) engines; on SQLite the writer takes its lock at BEGIN, so upgrades can't deadlock.

    Their errors tell no parameters: among them are secrets, and errors are logged.
    """
    if not url.startswith("sqlite"):
        engine = sa.create_engine(url, pool_size=READERS + 1, pool_pre_ping=True, hide_parameters=True)
        return engine, engine
    return _sqlite_engine(url, "BEGIN IMMEDIATE", pool_size=1), _sqlite_engine(url, "BEGIN", pool_size=READERS + 1)


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Yield a connection inside a transaction that is committed at the end, or undone by an exception."""
    with engine.connect() as connection, connection.begin():
        if begin := engine.get_execution_options().get(_BEGIN):
            run(connection, begin)  # not by SQLAlchemy's event: an engine with listeners calls them at every statement
        yield connection


class Glance:
    """One connection that is kept open for reads of a few rows, each a snapshot of its own. Any thread may use it."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect()
        self._raw: Any = self._connection.connection.dbapi_connection
        run(self._connection, "PRAGMA busy_timeout=0")  # who glances must not be held up
        self._lock = threading.Lock()

    def read(self, function: Callable[[Connection], T]) -> T:
        """Return what `function` returns."""
        with self._lock:
            run(self._connection, "BEGIN")
            try:
                return function(self._connection)
            finally:
                self._connection.rollback()
                self._raw.rollback()  # SQLAlchemy knows of no transaction if all statements were prepared ones

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _sqlite_engine(url: str, begin: str, pool_size: int) -> Engine:
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        poolclass=sa.pool.QueuePool,
        connect_args={"check_same_thread": False},
        execution_options={_BEGIN: begin},
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # `transaction` says BEGIN, not the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")

    return engine
