"""Running ffmpeg: the only place that starts it, with raw frames as its input and limits around it."""

import contextlib
import errno
import fcntl
import os
import queue
import re
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.errors import EncodeFailed, OutputTooLarge, WorkCancelled, WorkerDiskFull, WorkTimedOut
from shared.processes import kill_group
from worker.context import CancelFlag

Frame = NDArray[np.uint8]

_POLL_S = 0.05
_BUFFERS = 3  # one being drawn, one waiting, one in the pipe
_PIPE_BYTES = 1 << 20  # what an unprivileged process may ask for (proc(5), pipe-max-size)
_KEPT_LINES = 20  # the first ones: they name the cause, later ones what followed from it
_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")


class FrameSource(Protocol):
    """Frames that can be drawn one after the other into memory that the caller owns."""

    frame_bytes: int
    """The size of one raw frame."""

    def __len__(self) -> int:
        """Return how many frames there are."""
        ...

    def draw(self, index: int, frame: Frame) -> None:
        """Fill `frame`, a flat array of `frame_bytes`, with the frame number `index`."""
        ...


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What one ffmpeg may take."""

    timeout_s: float
    max_output_bytes: int


def capture(argv: Sequence[str], *, timeout_s: float = 20.0) -> str:
    """Return what a short ffmpeg run prints on standard output; EncodeFailed if it can't run or fails."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, env=_environment(), check=False
        )
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise EncodeFailed(f"{Path(argv[0]).name} does not run: {type(failure).__name__}") from failure
    if done.returncode:
        raise EncodeFailed(_said(done.stderr.decode(errors="replace").splitlines(), done.returncode))
    return done.stdout.decode(errors="replace")


def feed(
    argv: Sequence[str],
    frames: FrameSource,
    *,
    limits: RunLimits,
    cancel: CancelFlag,
    on_frame: Callable[[int], None] = lambda _: None,
) -> None:
    """Run ffmpeg on the raw frames, and return when it has ended well.

    Drawing goes on in the calling thread while an earlier frame is written to the pipe and ffmpeg encodes those
    before it. `on_frame(n)` is called after n frames are drawn. Raises WorkCancelled, WorkTimedOut,
    OutputTooLarge, WorkerDiskFull, or EncodeFailed with what ffmpeg said; ffmpeg and all it started are
    gone by then.
    """
    run = _Run(argv, limits, cancel)
    try:
        run.send(frames, on_frame)
        run.finish()
    finally:
        run.close()


class _Run:
    """One running ffmpeg, the thread that writes to it and the thread that listens to it."""

    def __init__(self, argv: Sequence[str], limits: RunLimits, cancel: CancelFlag) -> None:
        self._cancel = cancel
        self._deadline_s = time.monotonic() + limits.timeout_s
        self._timeout_s = limits.timeout_s
        self._process = _start(argv, limits)
        self._said: list[str] = []
        self._drawn: queue.Queue[Frame | None] = queue.Queue()
        self._free: queue.Queue[Frame] = queue.Queue()
        self._broken = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._write, self._listen)]
        for thread in self._threads:
            thread.start()

    def send(self, frames: FrameSource, on_frame: Callable[[int], None]) -> None:
        """Draw all frames and hand each to the writer."""
        for _ in range(min(_BUFFERS, len(frames))):
            self._free.put(np.empty(frames.frame_bytes, np.uint8))
        for index in range(len(frames)):
            buffer = self._next_buffer()
            if buffer is None:
                return  # ffmpeg closed its input early; finish() says why
            frames.draw(index, buffer)
            self._drawn.put(buffer)
            on_frame(index + 1)

    def finish(self) -> None:
        """Close ffmpeg's input and wait for its end; a typed error unless it ended well."""
        self._drawn.put(None)
        while self._process.poll() is None:
            self._check()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_POLL_S)
        for thread in self._threads:
            thread.join()
        if self._process.returncode or self._broken.is_set():
            raise _failure(self._process.returncode, self._said)

    def close(self) -> None:
        """Leave nothing running, whatever happened."""
        kill_group(self._process.pid)
        self._process.wait()
        self._drawn.put(None)
        for thread in self._threads:
            thread.join()

    def _next_buffer(self) -> Frame | None:
        while not self._broken.is_set():
            self._check()
            with contextlib.suppress(queue.Empty):
                return self._free.get(timeout=_POLL_S)
        return None

    def _check(self) -> None:
        if self._cancel.is_set:
            raise WorkCancelled
        if time.monotonic() > self._deadline_s:
            raise WorkTimedOut(f"Encoding took longer than {self._timeout_s:g} s.")

    def _write(self) -> None:
        pipe = _opened(self._process.stdin)
        try:
            while (frame := self._drawn.get()) is not None:
                _write_all(pipe, frame.data)
                self._free.put(frame)
        except OSError:
            self._broken.set()
        finally:
            with contextlib.suppress(OSError):
                pipe.close()

    def _listen(self) -> None:
        with _opened(self._process.stderr) as pipe:
            for line in pipe:
                if len(self._said) < _KEPT_LINES:
                    self._said.append(line[:500].decode(errors="replace"))


def _write_all(pipe: IO[bytes], data: memoryview) -> None:
    """An unbuffered pipe may take less than it is given."""
    while data:
        data = data[pipe.write(data) :]


def _start(argv: Sequence[str], limits: RunLimits) -> subprocess.Popen[bytes]:
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,
            bufsize=0,
            env=_environment(),
        )
    except OSError as failure:
        raise EncodeFailed(f"{Path(argv[0]).name} does not start: {type(failure).__name__}") from failure
    # From outside, so that nothing of Python runs between fork and exec; ffmpeg waits for its first frame meanwhile.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limits.max_output_bytes, limits.max_output_bytes))
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        fcntl.fcntl(_opened(process.stdin), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return process


def _environment() -> dict[str, str]:
    """Return what ffmpeg may know of ours: where libraries and the GPU are, and nothing secret."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {"LC_ALL": "C"}


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise EncodeFailed("ffmpeg's pipes could not be opened.")
    return pipe


def _failure(returncode: int, lines: list[str]) -> EncodeFailed | OutputTooLarge | WorkerDiskFull:
    said = "\n".join(lines)
    if os.strerror(errno.ENOSPC) in said:
        return WorkerDiskFull()
    if returncode == -signal.SIGXFSZ or os.strerror(errno.EFBIG) in said:
        return OutputTooLarge()
    return EncodeFailed(_said(lines, returncode))


def _said(lines: Sequence[str], returncode: int) -> str:
    """Return the first of ffmpeg's complaints in one line, without file paths and memory addresses."""
    text = " | ".join(line.strip() for line in lines[:4] if line.strip())
    text = re.sub(r"(?<![^\s'\"(=:])(?:file:)?/[^\s:'\"]+", "FILE", re.sub(r" @ 0x[0-9a-f]+", "", text))
    return f"ffmpeg ended with {returncode}: {text[:600] or 'it said nothing'}"
