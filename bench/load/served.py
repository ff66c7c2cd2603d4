"""A real `revela serve` on a data directory of its own, ready to be measured."""

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.load.process import ServerProcess, free_port, running
from bench.load.stored import OPERATIONS, Prepared, prepare
from orchestrator.settings import POOL_ENDPOINT

WORKERS = 8
SDK_WORKER = "sdk-worker"
BODY: dict[str, Any] = {
    "operation": "echo",
    "items": [{"id": "img-001", "text": "a photo's caption"}],
    "labels": {"order": "A-17"},
}


@dataclass(frozen=True, slots=True)
class Served:
    """A running server, and what stands in its data directory."""

    process: ServerProcess
    prepared: Prepared
    folder: Path
    samples: Path
    """While this file is there, the server's threads are sampled."""

    @property
    def url(self) -> str:
        """The server's address."""
        return self.process.url

    @property
    def endpoint_url(self) -> str:
        """The pool's address."""
        return f"{self.url}/v2/{POOL_ENDPOINT}"

    @property
    def tokens(self) -> dict[str, str]:
        """The stand-ins' tokens."""
        return {name: token for name, token in self.prepared.tokens.items() if name != SDK_WORKER}

    def completed(self) -> list[int]:
        """Return when each completed job ended, in epoch milliseconds, as the database has it."""
        with contextlib.closing(sqlite3.connect(self.folder / "revela.db")) as connection:
            rows = connection.execute("SELECT completed_ms FROM jobs WHERE status = 'COMPLETED'").fetchall()
        return sorted(row[0] for row in rows)


@contextlib.contextmanager
def served(waiting: int, allow: str = "") -> Iterator[Served]:
    """Serve with `waiting` jobs queued, for `WORKERS` stand-ins; `allow` is what webhooks may reach."""
    workers = [*(f"stand-in-{n}" for n in range(WORKERS)), SDK_WORKER]
    with tempfile.TemporaryDirectory(prefix="revela-bench-") as name:
        folder, port = Path(name), free_port()
        prepared, samples = prepare(folder, BODY, waiting, workers), folder / "samples"
        environment = {
            "REVELA_OPERATION_PACKAGES": OPERATIONS,
            "REVELA_LOG_FORMAT": "json",
            "REVELA_MAX_WORKERS": str(WORKERS),
            "REVELA_RATE_LIMIT": "1000000/second",  # counted, but never reached
            "REVELA_MAX_QUEUED_ITEMS": "1000000",
            "REVELA_ALLOW_PRIVATE_SOURCES": allow,
            "BENCH_SAMPLES": str(samples),
        }
        arguments = ["bench.load.sampled", "serve", "--port", str(port), "--data-dir", name]
        with running(arguments, folder, port, environment, "/readyz") as process:
            yield Served(process, prepared, folder, samples)
