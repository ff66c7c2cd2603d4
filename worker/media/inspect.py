"""Looking into media files in this process, through PyAV with all doors shut: the only place that does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.sidedata.sidedata import Type as SideData
from av.stream import Disposition, Stream

from shared.errors import MediaCorrupt, MediaFormat, MediaLimits, MediaTooLarge
from shared.media.facts import AudioTrack, Chapter, ColourFacts, Hdr, MediaFacts, SubtitleTrack, VideoTrack
from worker.media.tags import created_at, location_of

_VIDEO_DECODERS = (
    "h264,hevc,vp8,vp9,av1,libdav1d,mpeg4,mpeg2video,mpeg1video,h263,mjpeg,prores,dnxhd,theora,vc1,ffv1,flv,msmpeg4v3"
)
_AUDIO_DECODERS = (
    "aac,mp3,mp3float,mp2,mp2float,ac3,eac3,opus,libopus,vorbis,flac,alac,amrnb,amrwb,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,"
    "pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,adpcm_ms,"
    "adpcm_ima_wav"
)
_SUBTITLE_DECODERS = "mov_text,subrip,srt,webvtt,ass,ssa"
DOORS = {
    "protocol_whitelist": "file",
    "codec_whitelist": f"{_VIDEO_DECODERS},{_AUDIO_DECODERS},{_SUBTITLE_DECODERS}",
}
"""Without these a file may name other files or addresses, and FFmpeg would open them, by any of its decoders."""

MAX_STREAMS = 32
MAX_DURATION_S = 4 * 3600.0
MAX_PACKETS = 5_000_000
_MAX_DECODED_PIXELS = 1 << 26
"""Beyond any limit on videos; what is larger is not even tried."""
_TRIED_PACKETS = 300
_MISSING_S, _MISSING_SHARE = 1.0, 0.05
"""A file that ends earlier than it says by more than both was cut."""
_UNEVEN_S, _UNEVEN_SHARE = 0.002, 0.05
"""Frames that differ by more than both last differently long; less is rounding."""
_UNSPECIFIED = 2

_PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    9: "bt2020",
    11: "smpte431",
    12: "smpte432",
}
_TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    11: "iec61966-2-4",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    18: "arib-std-b67",
}
_MATRICES = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc", 10: "bt2020c"}
_DOLBY_TAGS = ("dvh1", "dvhe", "dav1")
_RANGES = {1: "limited", 2: "full"}
"""H.273's numbers by FFmpeg's names."""
_WHOLE_FRAMES = (0, 1)
"""FFmpeg's field orders "unknown" and "progressive"."""


def facts(path: Path, demuxer: str, *, location: bool = False) -> MediaFacts:
    """Return what the file at `path` holds, read by that demuxer: all packets are counted, one frame is decoded.

    MediaFormat, MediaCorrupt, MediaTooLarge, MediaLimits.
    """
    with _opened(path, demuxer) as container:
        _check_head(container)
        pictures = [stream for stream in container.streams.video if not _is_cover(stream)]
        first = {stream.index: _first_frame(container, stream) for stream in pictures}
        tallies = _tallies(container)
        longest_s = max((tallies[s.index].duration_s for s in (*pictures, *container.streams.audio)), default=0.0)
        _check_whole(container, longest_s)
        size_bytes = path.stat().st_size
        texts = container.streams.subtitles
        return MediaFacts(
            container=demuxer,
            size_bytes=size_bytes,
            duration_s=round(longest_s, 6),
            bit_rate=_rate(size_bytes, longest_s),
            video=[_video(stream, tallies[stream.index], first[stream.index]) for stream in pictures],
            audio=[_audio(stream, tallies[stream.index]) for stream in container.streams.audio],
            subtitles=[_subtitle(stream, tallies[stream.index]) for stream in texts],
            other_streams=len(container.streams) - len(pictures) - len(container.streams.audio) - len(texts),
            chapters=[_chapter(chapter) for chapter in container.chapters()],
            created_at=created_at(container.metadata),
            location=location_of(container.metadata) if location else None,
        )


@contextmanager
def _opened(path: Path, demuxer: str) -> Iterator[InputContainer]:
    options = {**DOORS, "format_whitelist": demuxer}
    try:
        with av.open(f"file:{path}", format=demuxer, options=options, metadata_errors="replace") as container:
            yield container
    except (av.error.FFmpegError, ValueError, IndexError, OverflowError, ZeroDivisionError) as failure:
        raise MediaCorrupt(f"The file is damaged and can't be read ({type(failure).__name__}).") from failure


def _check_head(container: InputContainer) -> None:
    """Look at what the head says before anything is decoded or counted."""
    if not container.streams:
        raise MediaLimits("The file has neither a video nor an audio stream.")
    if len(container.streams) > MAX_STREAMS:
        raise MediaLimits(f"The file has {len(container.streams)} streams; {MAX_STREAMS} at most are taken.")
    if container.duration is not None and container.duration / av.time_base > MAX_DURATION_S:
        raise MediaLimits(f"The file is over {MAX_DURATION_S / 3600:.0f} hours long.")
    for stream in container.streams.video:
        if stream.codec_context.width * stream.codec_context.height > _MAX_DECODED_PIXELS:
            raise MediaTooLarge(f"The video has {stream.codec_context.width}×{stream.codec_context.height} pixels.")


def _check_whole(container: InputContainer, found_s: float) -> None:
    said_s = (container.duration or 0) / av.time_base
    if said_s - found_s > max(_MISSING_S, _MISSING_SHARE * said_s):
        raise MediaCorrupt(f"The file ends after {found_s:.1f} s of the {said_s:.1f} s that it says it has.")


def _is_cover(stream: Stream) -> bool:
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _first_frame(container: InputContainer, stream: Any) -> av.VideoFrame:
    """Decode until there is a frame; what is damaged before it is passed over, as players do."""
    container.seek(0)
    for tried, packet in enumerate(container.demux(stream)):
        try:
            decoded: list[av.VideoFrame] = packet.decode()
            if decoded:
                return decoded[0]
        except av.error.FFmpegError:
            if tried > _TRIED_PACKETS:
                break
        except RuntimeError as refused:
            raise MediaFormat(f"The video's codec is not read here: {stream.codec_context.name}.") from refused
    raise MediaCorrupt("No frame of the video can be decoded.")


@dataclass(slots=True)
class _Tally:
    """What was counted of one stream."""

    time_base: Fraction
    packets: int = 0
    size_bytes: int = 0
    first: int | None = None
    end: int = 0
    last_dts: int | None = None
    shortest: int = 0
    longest: int = 0

    def add(self, packet: "av.Packet[Any]") -> None:
        """Count a packet."""
        self.packets += 1
        self.size_bytes += packet.size
        if packet.pts is not None:
            self.first = packet.pts if self.first is None else min(self.first, packet.pts)
            self.end = max(self.end, packet.pts + (packet.duration or 0))
        if packet.dts is not None:
            if self.last_dts is not None and (step := packet.dts - self.last_dts) > 0:
                self.shortest = min(self.shortest or step, step)
                self.longest = max(self.longest, step)
            self.last_dts = packet.dts

    @property
    def start_s(self) -> float:
        """When the first packet is shown."""
        return float((self.first or 0) * self.time_base)

    @property
    def duration_s(self) -> float:
        """From the first packet to the end of the last."""
        return max(0.0, float((self.end - (self.first or 0)) * self.time_base))

    @property
    def uneven(self) -> bool:
        """Whether some frames last longer than others."""
        spread = self.longest - self.shortest
        return spread * self.time_base > _UNEVEN_S and spread > _UNEVEN_SHARE * self.longest


def _tallies(container: InputContainer) -> dict[int, _Tally]:
    """Count all packets, of all streams at once."""
    container.seek(0)
    tallies = {stream.index: _Tally(stream.time_base or Fraction(1, av.time_base)) for stream in container.streams}
    for n, packet in enumerate(container.demux()):
        if packet.size:
            tallies[packet.stream.index].add(packet)
        if n > MAX_PACKETS:
            raise MediaLimits("The file has too many frames.")
    for tally in tallies.values():
        if tally.packets == 1 and container.duration is not None:  # how long one frame is shown, the file alone says
            tally.end = (tally.first or 0) + int(Fraction(container.duration, av.time_base) / tally.time_base)
        if tally.duration_s > MAX_DURATION_S:
            raise MediaLimits(f"The file is over {MAX_DURATION_S / 3600:.0f} hours long.")
    return tallies


def _video(stream: Any, tally: _Tally, frame: av.VideoFrame) -> VideoTrack:
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
        start_s=round(tally.start_s, 6),
        duration_s=round(tally.duration_s, 6),
        bit_rate=_rate(tally.size_bytes, tally.duration_s),
        colour=_colour(context),
        hdr=_hdr(context, frame),
        language=_language(stream),
        default=bool(stream.disposition & Disposition.default),
    )


def _audio(stream: Any, tally: _Tally) -> AudioTrack:
    context = stream.codec_context
    return AudioTrack(
        index=stream.index,
        codec=context.codec.canonical_name,
        sample_rate=context.sample_rate,
        channels=context.channels,
        layout=context.layout.name,
        start_s=round(tally.start_s, 6),
        duration_s=round(tally.duration_s, 6),
        bit_rate=_rate(tally.size_bytes, tally.duration_s),
        language=_language(stream),
        default=bool(stream.disposition & Disposition.default),
    )


def _subtitle(stream: Any, tally: _Tally) -> SubtitleTrack:
    return SubtitleTrack(
        index=stream.index,
        codec=stream.codec_context.codec.canonical_name if stream.codec_context else "unknown",
        events=tally.packets,
        language=_language(stream),
        title=stream.metadata.get("title") or stream.metadata.get("name"),
        default=bool(stream.disposition & Disposition.default),
        forced=bool(stream.disposition & Disposition.forced),
    )


def _chapter(chapter: Any) -> Chapter:
    base = chapter["time_base"]
    return Chapter(
        start_s=round(float(chapter["start"] * base), 3),
        end_s=round(float(chapter["end"] * base), 3),
        title=chapter["metadata"].get("title"),
    )


def _colour(context: Any) -> ColourFacts:
    return ColourFacts(
        primaries=_PRIMARIES.get(int(context.color_primaries)),
        transfer=_TRANSFERS.get(int(context.color_trc)),
        matrix=_MATRICES.get(int(context.colorspace)) if int(context.colorspace) != _UNSPECIFIED else None,
        range=_RANGES.get(int(context.color_range)),
    )


def _hdr(context: Any, frame: Any) -> Hdr | None:
    beside = {data.type for data in frame.side_data}
    if context.codec_tag in _DOLBY_TAGS or SideData.DOVI_METADATA in beside:
        return "dolby_vision"
    match _TRANSFERS.get(int(context.color_trc)):
        case "smpte2084":
            return "hdr10"
        case "arib-std-b67":
            return "hlg"
        case _:
            return None


def _language(stream: Stream) -> str | None:
    language = stream.language
    return None if language in (None, "", "und") else language


def _rate(size_bytes: int, duration_s: float) -> int:
    return round(8 * size_bytes / duration_s) if duration_s else 0
