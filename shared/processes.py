"""Ending processes for good: a group, or everything that a session started."""

import contextlib
import os
import signal
from pathlib import Path

_PROC = Path("/proc")


def kill_group(leader_pid: int, signal_number: int = signal.SIGKILL) -> None:
    """Signal every process in the group that `leader_pid` leads; a group that is gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader_pid, signal_number)


def session_members(session_id: int) -> list[int]:
    """Return the pids in a session, all its groups included; only the leader's group where /proc is missing."""
    if not _PROC.is_dir():
        return []
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit() and _session_of(entry) == session_id]


def kill_session(leader_pid: int) -> None:
    """Kill all that a process started with ``start_new_session=True`` has begun, whatever group it is in."""
    kill_group(leader_pid)
    for pid in session_members(leader_pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _session_of(entry: Path) -> int | None:
    """Return field 6 of /proc/PID/stat (proc_pid_stat(5)); the name in field 2 may hold anything but a final ')'."""
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[3])
