"""Feeding ffmpeg with raw frames, drawn while it encodes those before them."""

import contextlib
import fcntl
import queue
import threading
from collections.abc import Callable, Sequence
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from worker.context import CancelFlag
from worker.media.running.confinement import Reach
from worker.media.running.process import POLL_S, Pipes, Process, RunLimits

Frame = NDArray[np.uint8]

_BUFFERS = 3  # one being drawn, one waiting, one in the pipe
_PIPE_BYTES = 1 << 20  # what an unprivileged process may ask for (proc(5), pipe-max-size)


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


def feed(
    argv: Sequence[str],
    frames: FrameSource,
    *,
    reach: Reach,
    limits: RunLimits,
    cancel: CancelFlag,
    on_frame: Callable[[int], None] = lambda _: None,
) -> None:
    """Run ffmpeg on the raw frames, and return when it has ended well.

    Drawing goes on in the calling thread while an earlier frame is written to the pipe and ffmpeg encodes those
    before it. `on_frame(n)` is called after n frames are drawn. Raises WorkCancelled, WorkTimedOut, MediaLimits,
    OutputTooLarge, WorkerDiskFull, or EncodeFailed with what ffmpeg said; ffmpeg and all it started are
    gone by then.
    """
    run = _Feeding(Process(argv, reach, limits, cancel, Pipes(fed=True)))
    try:
        run.send(frames, on_frame)
        run.finish()
    finally:
        run.close()


class _Feeding:
    """A running ffmpeg and the thread that writes to it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._drawn: queue.Queue[Frame | None] = queue.Queue()
        self._free: queue.Queue[Frame] = queue.Queue()
        self._broken = threading.Event()
        with contextlib.suppress(OSError):
            fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

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
        """Close ffmpeg's input and wait for its end; a typed error unless it ended well and took all of it."""
        self._drawn.put(None)
        self._process.finish()
        self._writer.join()
        if self._broken.is_set():
            raise self._process.ended_early()

    def close(self) -> None:
        """Leave nothing running, whatever happened."""
        self._drawn.put(None)
        self._process.close()
        self._writer.join()

    def _next_buffer(self) -> Frame | None:
        while not self._broken.is_set():
            self._process.check()
            with contextlib.suppress(queue.Empty):
                return self._free.get(timeout=POLL_S)
        return None

    def _write(self) -> None:
        pipe = self._process.stdin
        try:
            while (frame := self._drawn.get()) is not None:
                _write_all(pipe, frame.data)
                self._free.put(frame)
        except OSError:
            self._broken.set()
        finally:
            with contextlib.suppress(OSError):
                pipe.close()


def _write_all(pipe: IO[bytes], data: memoryview) -> None:
    """An unbuffered pipe may take less than it is given."""
    while data:
        data = data[pipe.write(data) :]
