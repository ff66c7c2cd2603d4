"""Running ffmpeg from files to files, with its own word on how far it is."""

from collections.abc import Callable, Mapping, Sequence

from worker.context import CancelFlag
from worker.media.running.confinement import Reach
from worker.media.running.process import Pipes, Process, RunLimits

_TIME = "out_time_us="
_MICRO = 1e-6


def convert(
    argv: Sequence[str],
    *,
    reach: Reach,
    limits: RunLimits,
    cancel: CancelFlag,
    on_time: Callable[[float], None] = lambda _: None,
    on_said: Callable[[str], None] = lambda _: None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run ffmpeg, and return when it has ended well.

    `on_time(s)` is called in this thread with the seconds of output that are done, whenever there are more of them,
    `on_said(line)` in another one with all that it says.
    Raises WorkCancelled, WorkTimedOut, MediaLimits, OutputTooLarge, WorkerDiskFull, or EncodeFailed with what ffmpeg
    said; ffmpeg and all it started are gone by then.
    """
    clock = _Clock()
    command = [argv[0], "-progress", "pipe:1", "-stats_period", "0.2", *argv[1:]]
    process = Process(
        command, reach, limits, cancel, Pipes(on_line=clock.hear, on_said=on_said, environment=environment or {})
    )
    try:
        process.finish(lambda: clock.tell(on_time))
    finally:
        process.close()


class _Clock:
    """The newest time that ffmpeg told, between the thread that hears it and the one that passes it on."""

    def __init__(self) -> None:
        self._done_s = 0.0
        self._told_s = 0.0

    def hear(self, line: str) -> None:
        """Take a line of ``-progress``; before the first frame the time is N/A."""
        if line.startswith(_TIME):
            text = line.removeprefix(_TIME).strip()
            if text.isdecimal():
                self._done_s = int(text) * _MICRO

    def tell(self, on_time: Callable[[float], None]) -> None:
        """Pass the time on if it is new."""
        if self._done_s > self._told_s:
            self._told_s = self._done_s
            on_time(self._told_s)
