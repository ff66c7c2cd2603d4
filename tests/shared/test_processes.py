"""Ending processes for good."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.processes import kill_group, kill_session, session_members
from tests.waiting import until_now

pytestmark = pytest.mark.slow

# A leader, a child in the leader's group, and one in a group of its own.
FAMILY = """
import subprocess, sys, time
children = [subprocess.Popen(["sleep", "600"]), subprocess.Popen(["sleep", "600"], process_group=0)]
print(*(child.pid for child in children), flush=True)
time.sleep(600)
"""


def start() -> tuple["subprocess.Popen[str]", list[int]]:
    """Start the family in a session of its own; return its leader and the children's pids."""
    leader = subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert leader.stdout is not None
    with leader.stdout as output:
        return leader, [int(pid) for pid in output.readline().split()]


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_whole_session_ends_whatever_group_its_members_are_in() -> None:
    leader, children = start()
    assert set(session_members(leader.pid)) == {leader.pid, *children}
    kill_session(leader.pid)
    leader.wait(10)
    until_now(lambda: not any(runs(pid) for pid in children))


def test_orphans_of_a_dead_leader_are_ended_too() -> None:
    leader, children = start()
    os.kill(leader.pid, signal.SIGKILL)
    leader.wait(10)
    assert any(runs(pid) for pid in children)
    kill_session(leader.pid)
    until_now(lambda: not any(runs(pid) for pid in children))


def test_group_alone_leaves_other_groups_be() -> None:
    leader, (same, other) = start()
    kill_group(leader.pid)
    leader.wait(10)
    until_now(lambda: not runs(same))
    assert runs(other)
    kill_session(leader.pid)


def test_ending_what_is_gone_is_no_error() -> None:
    gone = subprocess.Popen(["true"], start_new_session=True)
    gone.wait()
    kill_group(gone.pid)
    kill_session(gone.pid)
    assert os.getpid() not in session_members(gone.pid)
