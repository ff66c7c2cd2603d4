"""One running ffmpeg: confined, watched, listened to, and gone with all it started when it is closed."""

import contextlib
import os
import resource
import select
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from shared.errors import EncodeFailed, MediaLimits, WorkCancelled, WorkTimedOut
from shared.processes import kill_group
from worker.context import CancelFlag
from worker.media.running.capture import environment
from worker.media.running.confinement import Reach, address_space, confined
from worker.media.running.said import failure

POLL_S = 0.05
MEMORY_BYTES = 3 << 30
"""What one ffmpeg may take where nothing else is said: twice what x264 needs for 8K."""
_KEPT_LINES = 20  # the first ones: they name the cause, later ones what followed from it
_KEPT_BYTES = 500
_PAGE_BYTES = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What one ffmpeg may take."""

    timeout_s: float
    max_output_bytes: int
    max_memory_bytes: int = MEMORY_BYTES


@dataclass(frozen=True, slots=True)
class Pipes:
    """What goes in and out beside the files: whether it reads from us, who hears what it prints, and what it says."""

    fed: bool = False
    on_line: Callable[[str], None] | None = None
    on_said: Callable[[str], None] = lambda _: None
    environment: Mapping[str, str] = field(default_factory=dict)


class Process:
    """A running ffmpeg. Whoever opens one closes it."""

    def __init__(self, argv: Sequence[str], reach: Reach, limits: RunLimits, cancel: CancelFlag, pipes: Pipes) -> None:
        """Start it; EncodeFailed where that can't be done."""
        self._cancel, self._limits = cancel, limits
        self._deadline_s = time.monotonic() + limits.timeout_s
        self._said: list[str] = []
        self._on_said = pipes.on_said
        self._process = _start(confined(argv, reach, _resource_limits(limits, reach)), argv[0], pipes)
        listeners: list[tuple[IO[bytes] | None, Callable[[str], None]]] = [(self._process.stderr, self._keep)]
        if pipes.on_line is not None:
            listeners.append((self._process.stdout, pipes.on_line))
        self._threads = [threading.Thread(target=_listen, args=listener, daemon=True) for listener in listeners]
        for thread in self._threads:
            thread.start()

    @property
    def stdin(self) -> IO[bytes]:
        """What it reads, for its feeder to close; EncodeFailed where it is not fed."""
        if self._process.stdin is None:
            raise EncodeFailed("ffmpeg's pipes could not be opened.")
        return self._process.stdin

    def check(self) -> None:
        """Raise WorkCancelled, WorkTimedOut, or MediaLimits where it takes too much memory."""
        if self._cancel.is_set:
            raise WorkCancelled
        if time.monotonic() > self._deadline_s:
            raise WorkTimedOut(f"Encoding took longer than {self._limits.timeout_s:g} s.")
        if _resident_bytes(self._process.pid) > self._limits.max_memory_bytes:
            raise MediaLimits(f"Working on it takes more than {self._limits.max_memory_bytes >> 20} MiB of memory.")

    def finish(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Wait for its end, with a call of `meanwhile` now and then; a typed error unless it ended well."""
        while self._process.poll() is None:
            self.check()
            meanwhile()
            self._wait_a_little()
        for thread in self._threads:
            thread.join()
        if self._process.returncode:
            raise failure(self._process.returncode, self._said)

    def _wait_a_little(self) -> None:
        """Wait for its end, and not much longer than that: short runs would take twice as long."""
        try:
            ended = os.pidfd_open(self._process.pid)
        except (AttributeError, OSError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(POLL_S)
            return
        try:
            select.select([ended], [], [], POLL_S)
        finally:
            os.close(ended)

    def close(self) -> None:
        """Leave nothing running, whatever happened."""
        kill_group(self._process.pid)
        self._process.wait()
        for thread in self._threads:
            thread.join()

    def ended_early(self) -> EncodeFailed:
        """Return the error of a run that ended well and did not take all that it was fed."""
        return EncodeFailed(f"ffmpeg closed its input early: {' | '.join(self._said)[:200]}")

    def _keep(self, line: str) -> None:
        if len(self._said) < _KEPT_LINES:
            self._said.append(line[:_KEPT_BYTES])
        self._on_said(line)


def _resource_limits(limits: RunLimits, reach: Reach) -> dict[str, int]:
    wanted = {"RLIMIT_FSIZE": limits.max_output_bytes}
    if not reach.cuda:  # CUDA maps all of the GPU's and the machine's memory at once
        wanted["RLIMIT_AS"] = address_space(limits.max_memory_bytes)
    return wanted


def _start(command: Sequence[str], program: str, pipes: Pipes) -> subprocess.Popen[bytes]:
    if not os.access(program, os.X_OK):
        raise EncodeFailed(f"{Path(program).name} does not start: it can't be executed")
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE if pipes.fed else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes.on_line is not None else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,
            bufsize=0,
            env=environment(pipes.environment),
        )
    except OSError as failed:
        raise EncodeFailed(f"{Path(program).name} does not start: {type(failed).__name__}") from failed


def _listen(pipe: IO[bytes] | None, heard: Callable[[str], None]) -> None:
    if pipe is None:
        return
    with pipe:
        for line in pipe:
            heard(line.decode(errors="replace"))


def _resident_bytes(pid: int) -> int:
    """Return how much memory a process holds (proc_pid_statm(5)); 0 where that can't be told."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0
