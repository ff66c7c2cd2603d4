"""The way into the database: `write` runs a plain function in the one writer thread, `read` in a reader thread, and
`glance`, where it can, at once."""

import asyncio
import contextlib
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.store.engines import READERS, Glance, open_engines, transaction
from orchestrator.store.prepared import run
from shared.errors import StoreUnavailable

T = TypeVar("T")

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

    def __init__(self, url: str, on_commit: Callable[[int, float], None] | None = None) -> None:
        """Open; `on_commit` is told, in the writer's thread, of each group's number of writes and its seconds."""
        self._on_commit = on_commit
        self._writer_engine, self._reader_engine = open_engines(url)
        self._glance = Glance(self._reader_engine) if self._reader_engine.dialect.name == "sqlite" else None
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._writer.start()

    @property
    def writes_waiting(self) -> int:
        """How many writes wait for their group."""
        return self._queue.qsize()

    async def write(self, function: Callable[[Connection], T]) -> T:
        """Return what `function` returns, once it is committed and on disk."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Write(function, future, loop))
        return await future

    async def read(self, function: Callable[[Connection], T]) -> T:
        """Return what `function` returns; it sees one snapshot and must not write."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, function)

    async def glance(self, function: Callable[[Connection], T]) -> T:
        """Return what `function` returns, as `read` does; for what is asked often and reads a few rows by their keys.

        SQLite finds those in microseconds, so it is asked in the event loop's own thread. Another thread costs more
        than it saves: at each step of a statement the two contend for the interpreter (half of the reads per second).
        """
        if self._glance is not None:
            with contextlib.suppress(SQLAlchemyError):
                return self._glance.read(function)
        return await self.read(function)

    async def close(self) -> None:
        """Finish the waiting writes and close."""
        self._queue.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        if self._glance is not None:
            self._glance.close()
        self._writer_engine.dispose()
        self._reader_engine.dispose()

    def _read(self, function: Callable[[Connection], T]) -> T:
        try:
            with transaction(self._reader_engine) as connection:
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
            started_s = time.perf_counter()
            self._commit(group)
            if self._on_commit is not None:
                self._on_commit(len(group), time.perf_counter() - started_s)
            if stop:
                return

    def _commit(self, group: list[_Write]) -> None:
        """Run the group's functions in one transaction; without savepoints, which cost every write two statements."""
        try:
            with transaction(self._writer_engine) as connection:
                outcomes = [_Outcome(write, _attempt(connection, write.function), None) for write in group]
        except _FunctionFailed as failed:
            if len(group) > 1:
                self._commit_apart(group)
                return
            outcomes = [_Outcome(group[0], None, failed.error)]
        except Exception as failed:  # noqa: BLE001 - the writer thread must outlive whatever happens
            outcomes = [_Outcome(write, None, _unavailable(failed)) for write in group]
        _tell(outcomes)

    def _commit_apart(self, group: list[_Write]) -> None:
        """Run a group again in which one function refused: its refusal undoes nothing of its neighbours'.

        Still in one commit, or whoever is refused often would cost all others an fsync each. Only where the database
        itself fails has each write a transaction of its own: SQLite may end the whole one by itself then
        (sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction").
        """
        try:
            with transaction(self._writer_engine) as connection:
                outcomes = [_in_savepoint(connection, write) for write in group]
        except SQLAlchemyError:
            for write in group:
                self._commit([write])
            return
        _tell(outcomes)


@dataclass(frozen=True, slots=True)
class _Outcome:
    write: _Write
    value: Any
    error: BaseException | None


class _FunctionFailed(Exception):
    """A function refused or its statement failed, as `error` says; its transaction is undone."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__(error)


def _attempt(connection: Connection, function: Callable[[Connection], Any]) -> Any:
    try:
        return function(connection)
    except SQLAlchemyError as failed:
        raise _FunctionFailed(_unavailable(failed)) from failed
    except Exception as failed:
        raise _FunctionFailed(failed) from failed


def _in_savepoint(connection: Connection, write: _Write) -> _Outcome:
    run(connection, "SAVEPOINT one")
    try:
        value, error = write.function(connection), None
    except SQLAlchemyError:
        raise
    except Exception as refused:  # noqa: BLE001 - whatever it is belongs to the one who asked
        value, error = None, refused
        run(connection, "ROLLBACK TO one")
    run(connection, "RELEASE one")
    return _Outcome(write, value, error)


def _unavailable(cause: BaseException | None) -> StoreUnavailable:
    unavailable = StoreUnavailable()
    unavailable.__cause__ = cause
    return unavailable


def _tell(outcomes: list[_Outcome]) -> None:
    """Wake each event loop that waits once, however many of its writes were in the group."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_loop[outcome.write.loop].append(outcome)
    for loop, settled in by_loop.items():
        with contextlib.suppress(RuntimeError):  # who asked is gone, and its event loop with it
            loop.call_soon_threadsafe(_settle, settled)


def _settle(outcomes: list[_Outcome]) -> None:
    for outcome in outcomes:
        future = outcome.write.future
        if future.cancelled():
            continue
        if outcome.error is not None:
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome.value)
