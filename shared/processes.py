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
    """Return the pids that run in a session, all its groups included; none where there is no /proc."""
    if not _PROC.is_dir():
        return []
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit() and _session_of(entry) == session_id]


def kill_session(leader_pid: int) -> None:
    """Kill all that a process started with ``start_new_session=True`` has begun, whatever group it is in.

    To be called from outside that session: from within it ends with the caller's own group.
    """
    kill_group(leader_pid)
    for pid in session_members(leader_pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _session_of(entry: Path) -> int | None:
    """Return the session of a process that runs (proc_pid_stat(5): state and session follow the name's final ')')."""
    try:
        state, _parent, _group, session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else int(session)
