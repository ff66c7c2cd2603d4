"""Local workers: processes that the pool starts when jobs wait, watches, and stops when there is nothing to do."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

from orchestrator.pool import credentials
from orchestrator.pool.credentials import Worker
from orchestrator.pool.queue import JobQueue
from orchestrator.pool.records import RunningJob
from orchestrator.store.store import Store
from shared.clock import Clock
from shared.processes import kill_session
from shared.worker_environment import runpod_environment

log = structlog.get_logger()

_INHERITED = frozenset(
    {
        *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
        *("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("FONTCONFIG_FILE", "FONTCONFIG_PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "REVELA_FFMPEG"),
        *("REVELA_WORK_DIR", "REVELA_ITEM_CONCURRENCY", "REVELA_OPERATION_PACKAGES", "REVELA_LOG_FORMAT"),
    }
)
"""What a worker gets of this server's environment: a list of what is allowed, so that no key ever slips through."""
_INHERITED_PREFIXES = ("CUDA_", "NVIDIA_")
_KEPT_LOGS = 10
_LOG_LIMIT_BYTES = 16 << 20
_SILENT_MS = 15_000
"""An idle SDK worker polls without pause; one that is silent for so long is stuck."""
_MAX_BACKOFF_S = 60.0
_REAP_S = 5.0


@dataclass(frozen=True)
class LocalOptions:
    """How local workers are run. `environment` is this server's; only what is allowed goes on to a worker."""

    command: Sequence[str]
    endpoint_url: str
    """The pool's address as seen from this machine: `http://127.0.0.1:PORT/v2/NAME`."""
    limit: int
    log_dir: Path
    environment: Mapping[str, str]
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    idle_s: float = 600.0
    start_timeout_s: float = 300.0
    drain_s: float = 30.0
    """A worker that was asked to end and has no job is killed after this time."""


@dataclass(slots=True)
class _LocalWorker:
    id: str
    process: subprocess.Popen[bytes]
    log_path: Path
    started_ms: int
    ready: bool = False
    idle_since_ms: int | None = None
    ending_since_ms: int | None = None
    reaped: bool = False
    """Its process id may be another's now: never signal it again."""


class LocalWorkers:
    """Starts, watches and stops the workers on this machine; all in `tick`, twice a second."""

    def __init__(self, store: Store, clock: Clock, queue: JobQueue, options: LocalOptions) -> None:
        self._store = store
        self._clock = clock
        self._queue = queue
        self._options = options
        self._workers: dict[str, _LocalWorker] = {}
        self._failed_starts = 0
        self._not_before_ms = 0
        self._home: Path | None = None
        self._closed = False

    @property
    def starting(self) -> int:
        """How many have been started and have not asked for a job yet."""
        return sum(1 for worker in self._workers.values() if not worker.ready)

    @property
    def unhealthy(self) -> int:
        """1 while starts fail, else 0."""
        return min(1, self._failed_starts)

    async def tick(self, running: Collection[RunningJob], now_ms: int) -> None:
        """Bury the dead, end who has to end, start who is needed."""
        if self._closed:
            return
        await self._bury([job for job in running if job.worker_id in self._workers], now_ms)
        busy = {job.worker_id for job in running}
        for worker in [each for each in self._workers.values() if not each.reaped]:
            self._observe(worker, worker.id in busy, now_ms)
            self._end_if_due(worker, worker.id in busy, now_ms)
        await self._start_needed(busy, now_ms)

    async def close(self) -> None:
        """Kill all of them and start no more; their jobs go back into the queue and no retry is counted."""
        self._closed = True
        for worker in self._workers.values():
            _kill(worker)
        for job in await self._queue.running():
            if job.worker_id in self._workers:
                await self._queue.give_back(job.worker_id, [job.id])
        for worker_id in list(self._workers):
            await self._dismiss(worker_id)
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    async def _bury(self, running: Sequence[RunningJob], now_ms: int) -> None:
        """A dead leader leaves its ping process behind, and that would keep its jobs' lease: end the session."""
        for worker in [each for each in self._workers.values() if each.process.poll() is not None]:
            _kill(worker)
            code = worker.process.returncode
            log.info("local_worker.ended", worker_id=worker.id, code=code, asked=worker.ending_since_ms is not None)
            for job in running:
                if job.worker_id == worker.id:
                    await self._queue.lose(job, f"its process ended with {code}")
            if not worker.ready:
                self._note_failed_start(f"exit code {code}", now_ms, worker.log_path)
            await self._dismiss(worker.id)

    async def _dismiss(self, worker_id: str) -> None:
        await self._store.write(partial(credentials.delete_worker, worker_id=worker_id))
        self._queue.presence.forget(worker_id)
        self._workers.pop(worker_id, None)

    def _observe(self, worker: _LocalWorker, busy: bool, now_ms: int) -> None:
        seen = self._queue.presence.get(worker.id)
        if not worker.ready and seen is not None and seen.last_poll_ms is not None:
            worker.ready = True
            self._failed_starts = 0
            log.info("local_worker.joined", worker_id=worker.id, after_ms=now_ms - worker.started_ms)
        if busy or not worker.ready:
            worker.idle_since_ms = None
        elif worker.idle_since_ms is None:
            worker.idle_since_ms = now_ms
        if worker.log_path.exists() and worker.log_path.stat().st_size > _LOG_LIMIT_BYTES:
            os.truncate(worker.log_path, 0)  # it is written in append mode, so the worker goes on at the start

    def _end_if_due(self, worker: _LocalWorker, busy: bool, now_ms: int) -> None:
        if reason := self._why_kill(worker, busy, now_ms):
            log.warning("local_worker.killed", worker_id=worker.id, reason=reason)
            kill_session(worker.process.pid)
        elif worker.ending_since_ms is not None:
            return
        elif self._queue.presence.is_draining(worker.id):
            self._ask_to_end(worker, now_ms)
        elif worker.idle_since_ms is not None and now_ms - worker.idle_since_ms >= self._options.idle_s * 1000:
            # Draining first: a job that is handed out after the signal would be lost in the worker.
            self._queue.presence.drain(worker.id)
            self._ask_to_end(worker, now_ms)

    def _why_kill(self, worker: _LocalWorker, busy: bool, now_ms: int) -> str | None:
        seen = self._queue.presence.get(worker.id)
        if seen is None or not worker.ready:
            late = now_ms - worker.started_ms > self._options.start_timeout_s * 1000
            return "it did not ask for a job in time" if late else None
        if seen.overdue:
            return "it did not stop a job that it was told to stop"
        if seen.last_ping_ms is not None and now_ms - seen.last_heard_ms > self._queue.options.lease_s * 1000:
            return "it fell silent"
        if worker.ending_since_ms is not None:
            late = not busy and now_ms - worker.ending_since_ms > self._options.drain_s * 1000
            return "it did not end in time" if late else None
        idle = worker.idle_since_ms is not None and not seen.open_polls
        if idle and now_ms - max(seen.last_poll_ms or 0, worker.idle_since_ms or 0) > _SILENT_MS:
            return "it asks for no jobs"
        return None

    def _ask_to_end(self, worker: _LocalWorker, now_ms: int) -> None:
        worker.ending_since_ms = now_ms
        worker.process.send_signal(signal.SIGTERM)

    async def _start_needed(self, busy: Collection[str | None], now_ms: int) -> None:
        if now_ms < self._not_before_ms or len(self._workers) >= self._options.limit:
            return
        waiting = await self._queue.waiting()
        own = sum(1 for each in self._workers.values() if each.id not in busy and each.ending_since_ms is None)
        wanted = waiting - max(own, len(self._queue.takers))
        for _ in range(min(wanted, self._options.limit - len(self._workers))):
            await self._start(now_ms)

    async def _start(self, now_ms: int) -> None:
        worker_id = f"local-{secrets.token_hex(6)}"
        token = credentials.new_token()
        worker = Worker(worker_id, self._queue.endpoint, credentials.token_hash(token), True)
        await self._store.write(partial(credentials.put_worker, worker=worker, now_ms=now_ms))
        if self._closed:  # meanwhile
            return
        log_path = self._new_log(worker_id)
        try:
            process = self._spawn(self._environment(worker_id, token), log_path)
        except OSError as failed:
            await self._store.write(partial(credentials.delete_worker, worker_id=worker_id))
            self._note_failed_start(str(failed), now_ms, log_path)
            return
        self._workers[worker_id] = _LocalWorker(worker_id, process, log_path, now_ms)
        log.info("local_worker.started", worker_id=worker_id, pid=process.pid, log=str(log_path))

    def _spawn(self, environment: dict[str, str], log_path: Path) -> subprocess.Popen[bytes]:
        """Start a process that leads a session of its own; its end of input tells it that this server is gone."""
        with log_path.open("ab") as log_file:
            return subprocess.Popen(
                list(self._options.command),
                stdin=subprocess.PIPE,
                stdout=log_file,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    def _note_failed_start(self, reason: str, now_ms: int, log_path: Path) -> None:
        self._failed_starts += 1
        delay_s = min(_MAX_BACKOFF_S, 2.0**self._failed_starts)
        self._not_before_ms = now_ms + round(delay_s * 1000)
        tail = log_path.read_bytes()[-2000:].decode(errors="replace")
        log.error("local_worker.start_failed", reason=reason, log=str(log_path), tail=tail, next_try_s=delay_s)

    def _new_log(self, worker_id: str) -> Path:
        self._options.log_dir.mkdir(parents=True, exist_ok=True)
        logs = sorted(self._options.log_dir.glob("local-*.log"), key=lambda path: path.stat().st_mtime)
        alive = {worker.log_path for worker in self._workers.values()}
        for old in [path for path in logs if path not in alive][: -_KEPT_LOGS or None]:
            old.unlink(missing_ok=True)
        path = self._options.log_dir / f"{worker_id}.log"
        path.touch(mode=0o600)
        return path

    def _environment(self, worker_id: str, token: str) -> dict[str, str]:
        """Return a worker's environment.

        Its home is an empty folder, because the SDK prefers a key that it finds in ~/.runpod/config.toml; and its
        log level spares the outputs, which the SDK prints at DEBUG.
        """
        if self._home is None:
            self._home = Path(tempfile.mkdtemp(prefix="revela-home-"))
        inherited = {
            name: value
            for name, value in self._options.environment.items()
            if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
        }
        ping_ms = self._queue.options.ping_interval_s * 1000
        return (
            inherited
            | {"HOME": str(self._home), "PYTHONUNBUFFERED": "1", "RUNPOD_LOG_LEVEL": "INFO"}
            | {"REVELA_DIE_WITH_PARENT": "1"}
            | dict(self._options.extra_environment)
            | runpod_environment(self._options.endpoint_url, worker_id, token, ping_ms)
        )


def _kill(worker: _LocalWorker) -> None:
    """End the worker's whole session and reap its leader."""
    if worker.reaped:
        return
    worker.reaped = True
    kill_session(worker.process.pid)
    with contextlib.suppress(subprocess.TimeoutExpired):  # a process may hang in the kernel, in a driver's call
        worker.process.wait(_REAP_S)
    if worker.process.stdin is not None:
        worker.process.stdin.close()
