"""`revela worker` as a real process, with the tiny operations of `tests.broken`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.processes import kill_session, session_members
from tests.waiting import until_now

_STAT_UTIME, _STAT_STIME = 11, 12
"""Places in /proc/PID/stat, counted after the name (proc_pid_stat(5): fields 14 and 15)."""


@dataclass(frozen=True)
class Command:
    """A running `revela worker` and what it writes."""

    process: subprocess.Popen[bytes]
    log: Path

    def text(self) -> str:
        """Return what it and its child have written."""
        return self.log.read_text()

    def says(self, words: str, timeout_s: float = 90) -> None:
        """Wait until it has written something."""
        until_now(lambda: words in self.text() or self.process.poll() is not None, timeout_s)
        assert words in self.text(), self.text()[-3000:]

    def ended(self, timeout_s: float = 90) -> int:
        """Return its exit code."""
        return self.process.wait(timeout_s)

    def family(self) -> set[int]:
        """Return its pid and those of all that it started, in whatever session."""
        found = {self.process.pid}
        while more := {pid for pid in _running() if _parent(pid) in found} - found:
            found |= more
        return found


@contextmanager
def worker_command(folder: Path, url: str, token: str, worker_id: str = "box-1") -> Iterator[Command]:
    """Run the command; at the end it is killed, and with it whatever it began."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("REVELA_", "RUNPOD_"))}
    more = {"REVELA_WORKER_TOKEN": token, "REVELA_WORK_DIR": str(folder), "TMPDIR": str(folder)}
    log = folder / "worker.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "revela", "worker", "--url", url, "--id", worker_id],
            env={**ours, **more, "REVELA_OPERATION_PACKAGES": "tests.broken"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
    try:
        yield Command(process, log)
    finally:
        kill_session(process.pid)
        process.wait()


def cpu_s(pids: set[int]) -> float:
    """Return the CPU time that living processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[_STAT_UTIME]) + int(fields[_STAT_STIME])
    return ticks / os.sysconf("SC_CLK_TCK")


def nothing_runs(pids: set[int], timeout_s: float = 10) -> None:
    """Wait until none of `pids` runs, nor anything in a session that one of them led."""
    until_now(lambda: not pids & set(_running()) and not any(session_members(pid) for pid in pids), timeout_s)


def _running() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
