"""The facts of a media file."""

from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from shared.errors import MediaCorrupt
from shared.media.facts import AudioTrack, Chapter, MediaFacts, SubtitleTrack, VideoTrack
from worker.context import CancelFlag
from worker.media.inspection import doors
from worker.media.inspection.clock import Clock
from worker.media.inspection.colour import colour, hdr
from worker.media.inspection.tags import created_at, location_of
from worker.media.inspection.tally import Counted, Tally, counted

_MISSING_S, _MISSING_SHARE = 1.0, 0.05
"""A file that ends earlier than it says by more than both was cut."""
_GUESSED = ("aac", "mp3", "mpeg", "mpegts", "flv")
"""Demuxers that don't read how long a file is, but conclude it from a part of it."""
_MOST_CHAPTERS = 1_000
_LONGEST_TITLE = 200
_WHOLE_FRAMES = (0, 1)
"""FFmpeg's field orders "unknown" and "progressive"."""


def facts(path: Path, demuxer: str, cancel: CancelFlag, *, location: bool = False) -> tuple[MediaFacts, Clock]:
    """Return what the file at `path` holds, read by that demuxer: all packets are counted, each first frame is decoded.

    MediaFormat, MediaCorrupt, MediaTooLarge, MediaLimits, WorkCancelled, WorkTimedOut.
    """
    with doors.opened(path, demuxer) as container:
        clock, found = Clock.of(container, demuxer), counted(container, demuxer, cancel)
        if demuxer not in _GUESSED:
            _check_whole(container, max(tally.end_s for tally in found.tallies.values()))
        return _facts(container, found, path.stat().st_size, demuxer, location=location), clock


def _facts(container: InputContainer, found: Counted, size_bytes: int, demuxer: str, *, location: bool) -> MediaFacts:
    streams = doors.media_streams(container)
    pictures = [stream for stream in streams if stream.type == "video"]
    sounds = [stream for stream in streams if stream.type == "audio"]
    texts = [stream for stream in container.streams.subtitles if doors.known(stream)]
    if any(stream.index not in found.frames for stream in pictures):
        raise MediaCorrupt("No frame of the video can be decoded.")
    longest_s = max((found.tallies[stream.index].duration_s for stream in streams), default=0.0)
    return MediaFacts(
        container=demuxer,
        size_bytes=size_bytes,
        duration_s=round(longest_s, 6),
        bit_rate=_rate(size_bytes, longest_s),
        video=[_video(stream, found) for stream in pictures],
        audio=[_audio(stream, found) for stream in sounds],
        subtitles=[_subtitle(stream, found.tallies[stream.index]) for stream in texts],
        other_streams=len(container.streams) - len(streams) - len(texts),
        chapters=[_chapter(chapter) for chapter in container.chapters()[:_MOST_CHAPTERS]],
        created_at=created_at(container.metadata),
        location=location_of(container.metadata) if location else None,
    )


def _check_whole(container: InputContainer, end_s: float) -> None:
    said_s = (container.duration or 0) / av.time_base
    if said_s - end_s > max(_MISSING_S, _MISSING_SHARE * said_s):
        raise MediaCorrupt(f"The file ends after {end_s:.1f} s of the {said_s:.1f} s that it says it has.")


def _video(stream: Any, found: Counted) -> VideoTrack:
    tally, frame = found.tallies[stream.index], found.frames[stream.index]
    context = stream.codec_context
    turned = frame.rotation % 180 != 0
    aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio or 1
    return VideoTrack(
        index=stream.index,
        codec=context.codec.canonical_name,
        profile=stream.profile,
        width=frame.height if turned else frame.width,
        height=frame.width if turned else frame.height,
        rotation=-frame.rotation % 360,
        pixel_aspect=round(float(aspect), 6),
        pixel_format=frame.format.name,
        bit_depth=frame.format.components[0].bits,
        fps=round(tally.packets / tally.duration_s, 3) if tally.duration_s else float(stream.average_rate or 0),
        variable_fps=tally.uneven,
        interlaced=bool(frame.interlaced_frame) or context.field_order not in _WHOLE_FRAMES,
        frames=tally.packets,
        hidden_frames=tally.hidden,
        delay_s=round(tally.delay_s, 6),
        start_s=round(tally.start_s, 6),
        duration_s=round(tally.duration_s, 6),
        bit_rate=_rate(tally.size_bytes, tally.duration_s),
        colour=colour(context),
        hdr=hdr(context, frame),
        language=_language(stream),
        default=bool(stream.disposition & Disposition.default),
    )


def _audio(stream: Any, found: Counted) -> AudioTrack:
    tally, context = found.tallies[stream.index], stream.codec_context
    return AudioTrack(
        index=stream.index,
        codec=context.codec.canonical_name,
        sample_rate=context.sample_rate,
        channels=context.channels,
        layout=context.layout.name,
        readable=stream.index in found.frames,
        start_s=round(tally.start_s, 6),
        duration_s=round(tally.duration_s, 6),
        bit_rate=_rate(tally.size_bytes, tally.duration_s),
        language=_language(stream),
        default=bool(stream.disposition & Disposition.default),
    )


def _subtitle(stream: Any, tally: Tally) -> SubtitleTrack:
    return SubtitleTrack(
        index=stream.index,
        codec=stream.codec_context.codec.canonical_name,
        events=tally.packets,
        language=_language(stream),
        title=_title(stream.metadata.get("title") or stream.metadata.get("name")),
        default=bool(stream.disposition & Disposition.default),
        forced=bool(stream.disposition & Disposition.forced),
    )


def _chapter(chapter: Any) -> Chapter:
    base = chapter["time_base"]
    return Chapter(
        start_s=round(float(chapter["start"] * base), 3),
        end_s=round(float(chapter["end"] * base), 3),
        title=_title(chapter["metadata"].get("title")),
    )


def _title(written: str | None) -> str | None:
    return written[:_LONGEST_TITLE] if written else None


def _language(stream: Stream) -> str | None:
    language = stream.language
    return None if language in (None, "", "und") else language


def _rate(size_bytes: int, duration_s: float) -> int:
    return round(8 * size_bytes / duration_s) if duration_s else 0
