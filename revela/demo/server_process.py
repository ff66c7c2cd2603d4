"""`revela serve` as a child process: started on a free loopback port, stopped with everything it began."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from revela.failures import ServerUnreachable
from shared.processes import kill_session

_READY_S = 60.0
_STOP_S = 20.0
"""Longer than the server's own grace for open requests and its workers' ends."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that has said that it is ready."""

    url: str
    data_dir: Path
    log: Path
    process: "subprocess.Popen[str]"

    def create_key(self, name: str, tenant: str) -> str:
        """Return a fresh API key, made as an operator makes one: by the command line."""
        argv = [sys.executable, "-m", "revela", "keys", "create", name, "--tenant", tenant, "--json"]
        environment = {**_own_environment(), "REVELA_DATA_DIR": str(self.data_dir)}
        made = subprocess.run(
            argv, env=environment, cwd=self.data_dir, capture_output=True, text=True, timeout=60, check=False
        )
        if made.returncode:
            raise ServerUnreachable(f"no key could be made: {made.stderr.strip()}")
        return str(json.loads(made.stdout)["key"])


@contextmanager
def running_server(data_dir: Path, *, workers: int, settings: Mapping[str, str]) -> Iterator[RunningServer]:
    """Run a server with `settings` (environment variables) until the block ends; nothing of it stays behind.

    Its log goes to ``server.log`` in the data directory. ServerUnreachable with the log's end if it does not start.
    """
    log = data_dir / "server.log"
    argv = [sys.executable, "-m", "revela", "serve", "--port", "0", "--data-dir", str(data_dir)]
    with log.open("w") as log_file:
        process = subprocess.Popen(
            [*argv, "--workers", str(workers), "--json"],
            env={**_own_environment(), **settings},
            cwd=data_dir,  # an .env where the user stands is another server's
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log_file,
            text=True,
            # A session of its own: Ctrl-C reaches this process only, which then stops the server in order.
            start_new_session=True,
        )
    try:
        yield RunningServer(_ready_url(process, log), data_dir, log, process)
    finally:
        _stop(process)


def _own_environment() -> dict[str, str]:
    """Return the environment without settings that would point the server at another one's data or endpoint."""
    kept = ("REVELA_FFMPEG", "REVELA_WORK_DIR", "REVELA_ITEM_CONCURRENCY")
    return {
        name: value for name, value in os.environ.items() if name in kept or not name.startswith(("REVELA_", "RUNPOD_"))
    }


def _ready_url(process: "subprocess.Popen[str]", log: Path) -> str:
    """Return the address in the server's one line, or raise with the end of its log."""
    assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
    deadline = time.monotonic() + _READY_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if selector.select(deadline - time.monotonic()) and (line := process.stdout.readline()):
            return str(json.loads(line)["url"])
    last_lines = log.read_text(errors="replace").strip().splitlines()[-5:]
    raise ServerUnreachable("\n  ".join(["the server did not start:", *last_lines]))


def _stop(process: "subprocess.Popen[str]") -> None:
    """Ask the server to end, wait, and then end whatever is left of its session."""
    try:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        kill_session(process.pid)
        process.communicate()
