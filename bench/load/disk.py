"""What the disk under a folder does at best: bare fsyncs, bare SQLite inserts with one and with shared commits, and the
files of a task written straight away."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.storage.receiving.durable import Draft

_PAGE = bytes(4096)
_ROW = "x" * 1000
"""About what one job with one item, its task and its event take together."""


def fsyncs_per_s(folder: Path, seconds: float) -> float:
    """Append 4 KiB and fsync, again and again."""
    with (folder / "fsync").open("wb", buffering=0) as file:

        def write() -> None:
            file.write(_PAGE)
            os.fsync(file.fileno())

        return _per_s(write, seconds)


def inserts_per_s(folder: Path, seconds: float, rows_per_commit: int) -> float:
    """Insert rows into a bare SQLite (WAL, synchronous=FULL) with so many per commit; return rows per second."""
    path = folder / f"inserts-{rows_per_commit}.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, body TEXT)")

        def commit() -> None:
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(rows_per_commit):
                connection.execute("INSERT INTO jobs (body) VALUES (?)", (_ROW,))
            connection.execute("COMMIT")

        return rows_per_commit * _per_s(commit, seconds)


def file_sets_per_s(folder: Path, seconds: float) -> float:
    """Write what one task of one item leaves (output, result, manifest), durably, by the storage's own functions."""
    count = 0

    def task() -> None:
        nonlocal count
        count += 1
        place = folder / f"job{count}" / "0-1"
        for name in ("0/echo.txt", "0/result.json", "manifest.json"):
            draft = Draft(folder / "draft")
            draft.write([bytes(500)])
            draft.publish(place / name)
            draft.discard()

    return _per_s(task, seconds)


def _per_s(act: Callable[[], None], seconds: float) -> float:
    began_s, count = time.perf_counter(), 0
    while (passed_s := time.perf_counter() - began_s) < seconds:
        act()
        count += 1
    return count / passed_s
