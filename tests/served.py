"""A real `revela serve` with real SDK workers, to be killed and started again on the same data."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from revela import Client
from shared.processes import kill_session, session_members
from tests.waiting import until_now

_START_S = 60.0


class Server:
    """One data directory, one port; `start`, `kill` and `start` again."""

    def __init__(self, folder: Path, workers: int, **settings: str) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        folder.mkdir(exist_ok=True)
        self.journal.touch()
        self._workers = workers
        self._port = _free_port()
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start and wait until it is ready."""
        argv = [sys.executable, "-m", "revela", "serve", "--port", str(self._port), "--data-dir", str(self.folder)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*argv, "--workers", str(self._workers)],
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until_now(self._is_ready, _START_S)

    def kill(self) -> None:
        """End the server, and only the server, as a crash does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it in order; whatever is left is killed and is a failure."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        finally:
            kill_session(self._process.pid)
        for pid in self.worker_pids():
            assert not session_members(pid), "a worker outlived its server"

    def peak_kib(self) -> int:
        """Return the most memory that the server has had so far."""
        assert self._process is not None
        return peak_kib(self._process.pid)

    def client(self) -> Client:
        """Return a client with a fresh key."""
        return Client(self.url, self.create_key())

    def create_key(self) -> str:
        """Return a fresh key, made as an operator makes one."""
        argv = [sys.executable, "-m", "revela", "keys", "create", "test", "--tenant", "acme", "--json"]
        made = subprocess.run(argv, env=self._environment(), cwd=self.folder, capture_output=True, check=True)
        return str(json.loads(made.stdout)["key"])

    def runs(self) -> list[str]:
        """Return the items that were begun, in order, once for each time."""
        return [line.split()[0] for line in self.journal.read_text().splitlines()]

    def worker_pids(self) -> list[int]:
        """Return the workers that began an item, in the order of their first."""
        return list(dict.fromkeys(int(line.split()[1]) for line in self.journal.read_text().splitlines()))

    def _environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("REVELA_", "RUNPOD_"))}
        return {
            **ours,
            "REVELA_DATA_DIR": str(self.folder),
            "REVELA_WORK_DIR": str(self.folder),
            "REVELA_OPERATION_PACKAGES": "tests.broken",
            "REVELA_ITEM_CONCURRENCY": "2",
            **self._settings,
        }

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "server.log").read_text()[-2000:]
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


@contextmanager
def served(folder: Path, *, workers: int = 1, **settings: str) -> Iterator[Server]:
    """Start a server and stop it at the end."""
    server = Server(folder, workers, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def peak_kib(pid: int) -> int:
    """Return the most memory that a process has had so far; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return max((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), default=0)


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(client: Client, job_id: str, items_done: int, timeout_s: float = 60) -> set[str]:
    """Wait until that many items are shown as completed; return their ids."""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        job = client.get(job_id, wait_s=1)
        done = {item.id for item in job.items if item.status == "COMPLETED"}
        if len(done) >= items_done:
            return done
    raise AssertionError(f"{items_done} items were not done within {timeout_s} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
