"""What a file may make FFmpeg open and decode: this very file, and codecs from a list."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition, Stream

from shared.errors import MediaCorrupt, MediaFormat, MediaLimits, MediaTooLarge

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
_TAKEN = frozenset(DOORS["codec_whitelist"].split(","))

MAX_STREAMS = 32
MAX_DURATION_S = 4 * 3600.0
_MAX_DECODED_PIXELS = 1 << 26
"""Beyond any limit on videos; what is larger is not even tried."""


@contextmanager
def opened(path: Path, demuxer: str) -> Iterator[InputContainer]:
    """Open the file by that demuxer alone, and look at what its head says before anything is decoded or counted.

    MediaFormat, MediaCorrupt, MediaTooLarge, MediaLimits.
    """
    options = {**DOORS, "format_whitelist": demuxer, "max_pixels": str(_MAX_DECODED_PIXELS)}
    try:
        with av.open(f"file:{path}", format=demuxer, options=options, metadata_errors="replace") as container:
            _check_head(container)
            yield container
    except (av.error.FFmpegError, ValueError, IndexError, OverflowError, ZeroDivisionError) as failure:
        raise MediaCorrupt(f"The file is damaged and can't be read ({type(failure).__name__}).") from failure


def known(stream: Stream) -> bool:
    """Whether FFmpeg knows how it is encoded: streams of makers' own are in many files."""
    return stream.codec_context is not None


def is_cover(stream: Stream) -> bool:
    """Whether it is a picture beside the media, as songs and podcasts have one."""
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def media_streams(container: InputContainer) -> list[Stream]:
    """Return the videos and sounds, without covers and what FFmpeg does not know."""
    streams: list[Stream] = [*container.streams.video, *container.streams.audio]
    return [stream for stream in streams if known(stream) and not is_cover(stream)]


def _check_head(container: InputContainer) -> None:
    if not container.streams:
        raise MediaLimits("The file has neither a video nor a sound.")
    if len(container.streams) > MAX_STREAMS:
        raise MediaLimits(f"The file has {len(container.streams)} streams; {MAX_STREAMS} at most are taken.")
    if container.duration is not None:
        check_length(container.duration / av.time_base)
    for stream in media_streams(container):
        # Its options keep FFmpeg's own probing to the list; what is decoded by hand is not kept to it.
        if not {stream.codec_context.name, stream.codec_context.codec.canonical_name} & _TAKEN:
            raise MediaFormat(f"The file has a codec that is not taken: {stream.codec_context.name}.")
    for stream in container.streams.video:
        if known(stream) and stream.codec_context.width * stream.codec_context.height > _MAX_DECODED_PIXELS:
            raise MediaTooLarge(f"The video has {stream.codec_context.width}×{stream.codec_context.height} pixels.")


def check_length(length_s: float) -> None:
    """Raise MediaLimits where a file, found or made, is longer than what is taken."""
    if length_s > MAX_DURATION_S:
        raise MediaLimits(f"It is {length_s / 3600:.1f} hours long; {MAX_DURATION_S / 3600:.0f} at most are taken.")
