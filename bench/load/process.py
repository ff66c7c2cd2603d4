"""A server in a process of its own, as the machine sees it: its cores, its memory, its end."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

_START_S = 60.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Work:
    """Seconds that the cores have worked for a process, by thread; the first is the event loop's."""

    by_thread: Mapping[int, float]
    at_s: float


class ServerProcess:
    """A running server at `url`; its output goes to a file in `folder`."""

    def __init__(self, arguments: Sequence[str], folder: Path, url: str, environment: Mapping[str, str]) -> None:
        self.url = url
        self._log = folder / "output.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env={**_plain_environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until_ready(self, path: str) -> None:
        """Return once `path` is answered 200."""
        end_s = time.monotonic() + _START_S
        while time.monotonic() < end_s and self._process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(self.url + path, timeout=2).status_code == 200:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start: {self._log.read_text()[-2000:]}")

    def work(self) -> Work:
        """Return how long the cores have worked for it so far."""
        by_thread = {}
        for task in Path(f"/proc/{self._process.pid}/task").iterdir():
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            by_thread[int(task.name)] = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
        return Work(dict(sorted(by_thread.items())), time.perf_counter())

    def memory_mb(self) -> tuple[float, float]:
        """Return its resident memory, now and at its highest."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        kib = {
            name: int(rest.split()[0])
            for name, _, rest in (line.partition(":") for line in status.splitlines())
            if name in ("VmRSS", "VmHWM")
        }
        return kib["VmRSS"] / 1024, kib["VmHWM"] / 1024

    def stop(self) -> None:
        """End it in order, or kill it after 20 s."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def running(
    arguments: Sequence[str], folder: Path, port: int, environment: Mapping[str, str], ready: str
) -> Iterator[ServerProcess]:
    """Run ``python -m ARGUMENTS`` that listens on a loopback `port`; ready when the path `ready` is answered."""
    server = ServerProcess(arguments, folder, f"http://127.0.0.1:{port}", environment)
    try:
        server.wait_until_ready(ready)
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("REVELA_", "RUNPOD_"))}
