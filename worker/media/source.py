"""A media file that somebody sent: sniffed, looked into, and held to limits before it is worked on."""

from dataclasses import dataclass
from pathlib import Path

from shared.errors import MediaFormat, MediaLimits, MediaTooLarge
from shared.media.facts import AudioTrack, MediaFacts, VideoFileFacts, VideoTrack
from worker.context import CancelFlag
from worker.media.inspection import sniff
from worker.media.inspection.clock import Clock
from worker.media.inspection.doors import DOORS
from worker.media.inspection.facts import facts

MAX_PIXELS = 7680 * 4320
MAX_SIDE = 16_384
MOST_PIXELS = f"{MAX_PIXELS} at most are taken, {MAX_SIDE} to a side"
MAX_FPS = 250.0
"""Phones' slow motion is 240, and a little more as they measure it."""
MAX_CHANNELS = 8
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 4_000, 384_000
EARLIEST_S = -60.0
"""Encoders begin a little before zero; what begins long before is made to confuse."""
LATEST_S = 100_000.0
"""The clock of a transport stream begins anew after 95 443 s (33 bits at 90 kHz)."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was found good to work on."""

    path: Path
    demuxer: str
    facts: MediaFacts
    clock: Clock

    @property
    def video(self) -> VideoTrack:
        """The stream that players show; MediaFormat where there is none."""
        if not self.facts.video:
            raise MediaFormat("The file has no video stream.")
        return next((track for track in self.facts.video if track.default), self.facts.video[0])

    @property
    def audio(self) -> AudioTrack | None:
        """The stream that players play, if there is one."""
        tracks = self.facts.audio
        return next((track for track in tracks if track.default), tracks[0] if tracks else None)

    def zero_s(self, *used: VideoTrack | AudioTrack) -> float:
        """Return which time FFmpeg takes for zero when it reads these tracks."""
        return self.clock.zero_s(tuple(track.index for track in used))

    def begun_s(self, *beside: AudioTrack) -> float:
        """Return when the first frame is shown, counted from the zero of the pictures and these sounds."""
        return self.video.start_s - self.zero_s(self.video, *beside)

    def ended_s(self, *beside: AudioTrack) -> float:
        """Return when the last frame has been shown, counted from there."""
        return self.begun_s(*beside) + self.video.duration_s

    @property
    def sound(self) -> AudioTrack:
        """The same; MediaFormat where there is none."""
        if self.audio is None:
            raise MediaFormat("The file has no sound.")
        return self.audio

    def as_made(self) -> VideoFileFacts:
        """Return what is told of a video that we made."""
        video, audio = self.video, self.audio
        return VideoFileFacts(
            width=video.width,
            height=video.height,
            duration_s=video.duration_s,
            fps=video.fps,
            frames=video.frames,
            codec=video.codec,
            audio_codec=audio.codec if audio else None,
            audio_s=audio.duration_s if audio else None,
            bit_rate=self.facts.bit_rate,
        )

    def arguments(self) -> dict[str, str | int]:
        """Return the options before ``-i``: this demuxer alone, no other file or address, these decoders, this size."""
        return {
            "format": self.demuxer,
            **DOORS,
            "format_whitelist": self.demuxer,
            "max_pixels": MAX_PIXELS,
        }


def open_media(path: Path, cancel: CancelFlag | None = None, *, location: bool = False) -> Source:
    """Return the file at `path` with what is in it; `location` tells where it was recorded, too.

    MediaEmpty, MediaFormat, MediaCorrupt, MediaTooLarge, MediaLimits, WorkCancelled, WorkTimedOut.
    """
    demuxer = sniff.demuxer(path)
    found, clock = facts(path, demuxer, cancel or CancelFlag(), location=location)
    for video in found.video:
        _check_video(video)
    for audio in found.audio:
        _check_audio(audio)
    if not found.video and not found.audio:
        raise MediaFormat("The file has neither a video nor a sound that is read here.")
    return Source(path, demuxer, found, clock)


def _check_video(track: VideoTrack) -> None:
    if track.width * track.height > MAX_PIXELS or max(track.width, track.height) > MAX_SIDE:
        raise MediaTooLarge(f"The video has {track.width}×{track.height} pixels; {MOST_PIXELS}.")
    if track.fps > MAX_FPS:
        raise MediaLimits(f"The video has {track.fps:.1f} frames per second; {MAX_FPS:.0f} at most are taken.")
    _check_start(track.start_s)


def _check_audio(track: AudioTrack) -> None:
    if not 1 <= track.channels <= MAX_CHANNELS:
        raise MediaLimits(f"The sound has {track.channels} channels; {MAX_CHANNELS} at most are taken.")
    if not MIN_SAMPLE_RATE <= track.sample_rate <= MAX_SAMPLE_RATE:
        raise MediaLimits(
            f"The sound has {track.sample_rate} samples per second; {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} are taken."
        )
    _check_start(track.start_s)


def _check_start(start_s: float) -> None:
    if not EARLIEST_S <= start_s <= LATEST_S:
        raise MediaLimits(f"A stream begins at {start_s:.0f} s; {EARLIEST_S:.0f} to {LATEST_S:.0f} s are taken.")
