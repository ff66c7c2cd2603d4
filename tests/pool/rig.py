"""A pool under real uvicorn on a real SQLite file, with real SDK workers as child processes."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.pool.local_workers import LocalOptions
from orchestrator.pool.options import PoolOptions
from orchestrator.pool.pool import Pool
from orchestrator.store.migrate import upgrade
from orchestrator.store.store import Store
from shared.clock import SystemClock
from shared.processes import kill_session, session_members
from shared.worker_environment import runpod_environment
from tests.serving import base_url, loopback_listener, serving

T = TypeVar("T")

ENDPOINT = "local"
CLIENT_KEY = "client-key-1"
WORKERS = Path(__file__).parent / "workers"
QUICK = PoolOptions(
    hold_s=1.0, ping_interval_s=1, lease_s=3.5, restart_grace_s=3.0, stop_grace_s=3.0, webhook_delays_s=(0.3, 0.8)
)
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT")


class ShiftedClock(SystemClock):
    """The machine's clock, moved forward by `shift_s`."""

    shift_s = 0.0

    def now_ms(self) -> int:
        return super().now_ms() + round(self.shift_s * 1000)


@dataclass(frozen=True)
class Exchange:
    """One request as the server saw it."""

    method: str
    path: str
    query: str
    status: int
    headers: dict[str, str]
    began_s: float
    took_s: float


class Recorder:
    """ASGI middleware that keeps every exchange."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.exchanges: list[Exchange] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.monotonic()
        answer: dict[str, Any] = {"status": 0, "headers": []}

        async def recording(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.update(message)
            await send(message)

        await self._app(scope, receive, recording)
        self.exchanges.append(
            Exchange(
                scope["method"],
                scope["path"],
                scope["query_string"].decode(),
                answer["status"],
                {name.decode().lower(): value.decode() for name, value in answer["headers"]},
                began_s,
                time.monotonic() - began_s,
            )
        )


@dataclass
class Rig:
    """A running pool and a client for it."""

    url: str
    pool: Pool
    clock: ShiftedClock
    client: httpx.Client
    recorder: Recorder
    log_dir: Path
    loop: list[asyncio.AbstractEventLoop] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def endpoint_url(self) -> str:
        return f"{self.url}/v2/{ENDPOINT}"

    def call(self, made: Awaitable[T]) -> T:
        """Run a coroutine of the pool's on the server's loop."""

        async def awaited() -> T:
            return await made

        return asyncio.run_coroutine_threadsafe(awaited(), self.loop[0]).result(30)

    def run(self, work: Any, **more: Any) -> str:
        """Submit a job; return its id."""
        answer = self.client.post("run", json={"input": work, **more})
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "IN_QUEUE"
        return str(answer.json()["id"])

    def status(self, job_id: str) -> dict[str, Any]:
        """Read a job's status object."""
        answer = self.client.get(f"status/{job_id}")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def until(self, job_id: str, *states: str, timeout_s: float = 30) -> dict[str, Any]:
        """Return a job's status object once it is in one of `states` (default: ended)."""
        wanted = states or ENDED

        def look() -> dict[str, Any] | None:
            body = self.status(job_id)
            return body if body["status"] in wanted else None

        return until(look, timeout_s)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the database by SQL of the test's own."""
        with closing(sqlite3.connect(self.log_dir.parent / "pool.db")) as connection:
            return connection.execute(sql).fetchall()

    def exchanges(self, part: str) -> list[Exchange]:
        """Return what was exchanged on paths that contain `part`."""
        return [exchange for exchange in self.recorder.exchanges if part in exchange.path]


@contextmanager
def pool_rig(
    data_dir: Path,
    options: PoolOptions = QUICK,
    *,
    local: Callable[[str], LocalOptions] | None = None,
    keep_alive_s: int = 620,
    port: int = 0,
) -> Iterator[Rig]:
    """Serve a pool whose data lies in `data_dir`; `local(endpoint URL)` says how it runs local workers."""
    url = f"sqlite:///{data_dir / 'pool.db'}"
    upgrade(url)
    listener = loopback_listener(port)
    clock = ShiftedClock()
    store = Store(url)
    how = local(f"{base_url(listener)}/v2/{ENDPOINT}") if local else None
    pool = Pool(store, clock, ENDPOINT, ["another-key", CLIENT_KEY], options, how)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        rig.loop.append(asyncio.get_running_loop())
        running = asyncio.ensure_future(pool.run())
        yield
        running.cancel()
        await asyncio.wait({running})
        await pool.close()
        await store.close()

    recorder = Recorder(Starlette(routes=pool.routes(), lifespan=lifespan))
    client = httpx.Client(
        base_url=f"{base_url(listener)}/v2/{ENDPOINT}/", headers={"authorization": f"Bearer {CLIENT_KEY}"}, timeout=60
    )
    rig = Rig(base_url(listener), pool, clock, client, recorder, data_dir / "logs")
    with serving(recorder, listener=listener, keep_alive_s=keep_alive_s, grace_s=1), client:
        yield rig


@dataclass
class SdkWorker:
    """A real SDK worker process, leader of its own session."""

    id: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait(self, timeout_s: float = 15) -> int:
        """Return its exit code."""
        return self.process.wait(timeout_s)

    def kill_leader(self) -> None:
        """SIGKILL the main process only; its ping process lives on."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(5)

    def kill_session(self) -> None:
        """SIGKILL all of it."""
        kill_session(self.process.pid)
        self.process.wait(5)

    def members(self) -> list[int]:
        """Return the living processes of its session."""
        return [pid for pid in session_members(self.process.pid) if not _is_zombie(pid)]

    def text(self) -> str:
        """Return what it has printed."""
        return self.log.read_text()


@contextmanager
def sdk_worker(
    rig: Rig, worker_id: str, command: Sequence[str] = ("cooperative.py",), *, token: str | None = None
) -> Iterator[SdkWorker]:
    """Run a handler script of `workers/` as a worker of the pool; killed at the end, whatever happened."""
    issued = token or rig.call(rig.pool.issue_worker(worker_id))
    rig.log_dir.mkdir(exist_ok=True)
    log = rig.log_dir / f"{worker_id}-{time.monotonic_ns()}.txt"
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    environment |= runpod_environment(rig.endpoint_url, worker_id, issued, 1000) | {"HOME": str(rig.log_dir)}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, str(WORKERS / command[0]), *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    worker = SdkWorker(worker_id, process, log)
    try:
        yield worker
    finally:
        worker.kill_session()


def until(look: Callable[[], T | None], timeout_s: float = 15) -> T:
    """Return what `look` returns once that is true."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def joined(rig: Rig, worker: SdkWorker) -> None:
    """Wait until a worker holds a take open."""
    until(lambda: any(worker.id in exchange.path for exchange in rig.exchanges("/ping/")), 30)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
