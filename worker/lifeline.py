"""Ending with the parent: a local worker must not outlive the server that started it, however that one ended."""

import os
import signal
import subprocess
import sys
import threading

_KILLER = "import sys; from shared.processes import kill_session; kill_session(int(sys.argv[1]))"


def die_with_parent() -> None:
    """Watch standard input, a pipe that the parent holds open; when it closes, end all that this session started.

    The parent's death closes the pipe even if nothing in it could run any more (SIGKILL).
    """
    threading.Thread(target=_watch, name="lifeline", daemon=True).start()


def _watch() -> None:
    # Not sys.stdin: its lock, held by this thread, would be copied into every forked child.
    while os.read(0, 4096):
        pass
    _end_session()


def _end_session() -> None:
    """Kill this process and, if it leads its session, everything in it.

    From a process outside of the session: inside it, killing our own group would end us before the others.
    """
    try:
        if os.getsid(0) == os.getpid():
            killer = subprocess.Popen([sys.executable, "-c", _KILLER, str(os.getpid())], start_new_session=True)
            killer.wait(timeout=10)
    finally:
        os.kill(os.getpid(), signal.SIGKILL)
