"""The way into the database: `write` runs a plain function in the one writer thread, `read` in a reader thread."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from shared.errors import StoreUnavailable

T = TypeVar("T")

_READERS = 4
_GROUP = 64
"""At most this many waiting writes share one commit, and so one fsync."""


@dataclass(frozen=True, slots=True)
class _Write:
    function: Callable[[Connection], Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop


class Store:
    """A database. `function(connection)` is synchronous, so nothing can interleave inside a transaction.

    Raises StoreUnavailable when the database fails; RevelaError from a function passes through and undoes
    that function's writes alone.
    """

    def __init__(self, url: str) -> None:
        self._writer_engine, self._reader_engine = open_engines(url)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._writer.start()

    async def write(self, function: Callable[[Connection], T]) -> T:
        """Return what `function` returns, once it is committed and on disk."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Write(function, future, loop))
        return await future

    async def read(self, function: Callable[[Connection], T]) -> T:
        """Return what `function` returns; it sees one snapshot and must not write."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, function)

    async def close(self) -> None:
        """Finish the waiting writes and close."""
        self._queue.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._writer_engine.dispose()
        self._reader_engine.dispose()

    def _read(self, function: Callable[[Connection], T]) -> T:
        try:
            with self._reader_engine.connect() as connection, connection.begin():
                return function(connection)
        except SQLAlchemyError as failed:
            raise StoreUnavailable from failed

    def _write_loop(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            stop = False
            while len(group) < _GROUP and not stop:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    stop = True
                else:
                    group.append(following)
            self._commit(group)
            if stop:
                return

    def _commit(self, group: list[_Write]) -> None:
        outcomes: list[tuple[_Write, Any, BaseException | None]]
        try:
            with self._writer_engine.connect() as connection, connection.begin():
                outcomes = [(write, *_attempt(connection, write.function)) for write in group]
        except _TransactionLost as lost:
            if len(group) > 1:
                for write in group:
                    self._commit([write])
                return
            outcomes = [(group[0], None, _unavailable(lost.__cause__))]
        except Exception as failed:  # noqa: BLE001 - the writer thread must outlive whatever happens
            outcomes = [(write, None, _unavailable(failed)) for write in group]
        for write, value, error in outcomes:
            with contextlib.suppress(RuntimeError):  # who asked is gone, and its event loop with it
                write.loop.call_soon_threadsafe(_settle, write.future, value, error)


class _TransactionLost(Exception):
    """The database failed inside a function.

    SQLite then may have ended the whole transaction by itself (sqlite.org/lang_transaction.html, "Response To Errors
    Within A Transaction"): nothing that the group wrote before may be told as done.
    """


def _attempt(connection: Connection, function: Callable[[Connection], Any]) -> tuple[Any, BaseException | None]:
    """Run `function` inside a savepoint of its own, so that its refusal undoes nothing of its neighbours'."""
    try:
        with connection.begin_nested():
            return function(connection), None
    except SQLAlchemyError as failed:
        raise _TransactionLost from failed
    except Exception as failed:  # noqa: BLE001 - whatever it is belongs to the one who asked
        return None, failed


def _unavailable(cause: BaseException | None) -> StoreUnavailable:
    unavailable = StoreUnavailable()
    unavailable.__cause__ = cause
    return unavailable


def _settle(future: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)


def open_engines(url: str) -> tuple[Engine, Engine]:
    """Return (writer, reader) engines; on SQLite the writer takes its lock at BEGIN, so upgrades can't deadlock."""
    if not url.startswith("sqlite"):
        engine = sa.create_engine(url, pool_size=_READERS + 1, pool_pre_ping=True)
        return engine, engine
    writer = _sqlite_engine(url, "BEGIN IMMEDIATE", pool_size=1)
    reader = _sqlite_engine(url, "BEGIN", pool_size=_READERS)
    return writer, reader


def _sqlite_engine(url: str, begin: str, pool_size: int) -> Engine:
    engine = sa.create_engine(
        url, pool_size=pool_size, max_overflow=0, poolclass=sa.pool.QueuePool, connect_args={"check_same_thread": False}
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # this module says BEGIN, not the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
