"""Counting all packets of a file in one pass, and decoding the first frame of each stream on the way."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import av.error
from av.container import InputContainer

from shared.errors import MediaFormat, MediaLimits, WorkTimedOut
from worker.context import CancelFlag
from worker.media.inspection import doors
from worker.media.inspection.clock import RESTARTING

MAX_PACKETS = 5_000_000
_TRIED_PACKETS = 300
_PATIENCE_S = 600.0
"""As long as reading the largest file from a slow disk takes."""
_LOOK_EVERY = 1024
_UNEVEN_S, _UNEVEN_SHARE = 0.002, 0.05
"""Frames that differ by more than both last differently long; less is rounding."""
_BACK_S, _AHEAD_S = 0.1, 10.0
"""Time in a transport stream that goes back or ahead by more than that begins anew: FFmpeg goes on where it was."""


@dataclass(slots=True)
class Tally:
    """What was counted of one stream. Times are in the stream's own units, unless their name says otherwise."""

    time_base: Fraction
    restarts: bool
    packets: int = 0
    hidden: int = 0
    size_bytes: int = 0
    first: int | None = None
    end: int = 0
    delay: int = 0
    keyed: bool = False
    last_dts: int | None = None
    shortest: int = 0
    longest: int = 0
    _shift: int = 0

    def add(self, packet: "av.Packet[Any]") -> None:
        """Count a packet; those before the first key frame can't be decoded, and are forgotten when it comes."""
        if packet.is_keyframe and not self.keyed:
            self.keyed = True
            self.packets, self.size_bytes, self.first, self.end, self.delay = 0, 0, None, 0, 0
        if packet.is_discard:  # an edit list leaves it out
            self.hidden += 1
            return
        dts = self._going_on(packet)
        self.packets += 1
        self.size_bytes += packet.size
        if packet.pts is not None:
            pts = packet.pts + self._shift
            self.first = pts if self.first is None else min(self.first, pts)
            self.end = max(self.end, pts + (packet.duration or 0))
            self.delay = max(self.delay, pts - dts if dts is not None else 0)
        if dts is not None:
            if self.last_dts is not None and (step := dts - self.last_dts) > 0:
                self.shortest = min(self.shortest or step, step)
                self.longest = max(self.longest, step)
            self.last_dts = dts

    def _going_on(self, packet: "av.Packet[Any]") -> int | None:
        """Return when the packet is decoded, on a clock that does not begin anew."""
        if packet.dts is None:
            return None
        dts: int = packet.dts + self._shift
        if self.restarts and self.last_dts is not None:
            step_s = (dts - self.last_dts) * self.time_base
            if step_s < -_BACK_S or step_s > _AHEAD_S:
                expected = self.last_dts + (self.shortest or packet.duration or 0)
                self._shift += expected - dts
                return expected
        return dts

    @property
    def start_s(self) -> float:
        """When the first packet is shown."""
        return float((self.first or 0) * self.time_base)

    @property
    def end_s(self) -> float:
        """When the last packet has been shown."""
        return float(self.end * self.time_base)

    @property
    def duration_s(self) -> float:
        """From the first packet to the end of the last."""
        return max(0.0, self.end_s - self.start_s)

    @property
    def delay_s(self) -> float:
        """How long before it is shown a packet comes at most."""
        return float(self.delay * self.time_base)

    @property
    def uneven(self) -> bool:
        """Whether some frames last longer than others."""
        spread = self.longest - self.shortest
        return spread * self.time_base > _UNEVEN_S and spread > _UNEVEN_SHARE * self.longest


@dataclass(slots=True)
class _First:
    """A stream whose first frame is looked for; what is damaged before it is passed over, as players do."""

    stream: Any
    tried: int = 0

    def of(self, packet: "av.Packet[Any]") -> Any:
        """Return the first frame if this packet brings it, else None."""
        self.tried += 1
        try:
            decoded: list[Any] = packet.decode()
        except av.error.FFmpegError:
            return None
        except RuntimeError as refused:
            raise MediaFormat(
                f"The file has a codec that is not read here: {self.stream.codec_context.name}."
            ) from refused
        return decoded[0] if decoded else None


@dataclass(frozen=True, slots=True)
class Counted:
    """What one pass over a file found, by the streams' numbers."""

    tallies: dict[int, Tally]
    frames: dict[int, Any] = field(default_factory=dict)
    """The first frame of each video and sound that can be decoded."""


def counted(container: InputContainer, demuxer: str, cancel: CancelFlag) -> Counted:
    """Read all packets, of all streams at once; MediaFormat, MediaLimits, WorkCancelled, WorkTimedOut."""
    restarts = demuxer in RESTARTING
    found = Counted({s.index: Tally(s.time_base or Fraction(1, av.time_base), restarts) for s in container.streams})
    sought = {stream.index: _First(stream) for stream in doors.media_streams(container)}
    for packet in _packets(container, cancel):
        index = packet.stream.index
        if packet.size:
            found.tallies[index].add(packet)
        if (first := sought.get(index)) is None:
            continue
        if (frame := first.of(packet)) is not None:
            found.frames[index] = frame
        if frame is not None or first.tried > _TRIED_PACKETS:
            del sought[index]
    for tally in found.tallies.values():
        if tally.packets == 1 and container.duration is not None:  # how long one frame is shown, the file alone says
            tally.end = (tally.first or 0) + int(Fraction(container.duration, av.time_base) / tally.time_base)
        doors.check_length(tally.duration_s)
    return found


def _packets(container: InputContainer, cancel: CancelFlag) -> Iterator["av.Packet[Any]"]:
    until_s = time.monotonic() + _PATIENCE_S
    for n, packet in enumerate(container.demux()):
        if n % _LOOK_EVERY == 0:
            cancel.check()
            if time.monotonic() > until_s:
                raise WorkTimedOut(f"Looking into the file took longer than {_PATIENCE_S:g} s.")
        if n > MAX_PACKETS:
            raise MediaLimits("The file has too many frames.")
        yield packet
