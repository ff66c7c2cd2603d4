"""What FFmpeg takes for zero when it reads a file: times in its filters and outputs are counted from there."""

from collections.abc import Mapping
from dataclasses import dataclass

import av
from av.container import InputContainer

RESTARTING = ("mpegts", "mpeg")
"""Formats whose clock may begin anew; their time is counted from the first of the streams that are used."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When a file and its streams begin by their first packets, in seconds of the file's own time."""

    file_s: float
    streams_s: Mapping[int, float]
    restarts: bool

    @classmethod
    def of(cls, container: InputContainer, demuxer: str) -> "Clock":
        """Return the clock of a file that has just been opened."""
        begun_s = {
            s.index: float(s.start_time * (s.time_base or 0)) for s in container.streams if s.start_time is not None
        }
        return cls((container.start_time or 0) / av.time_base, begun_s, demuxer in RESTARTING)

    def zero_s(self, used: tuple[int, ...]) -> float:
        """Return what is zero when the streams of these numbers are read."""
        known = [self.streams_s[index] for index in used if index in self.streams_s]
        return min(known) if self.restarts and known else self.file_s
