"""The ffmpeg commands of captions: burn them in, add them as tracks, show one frame.

No text of a user is in them but a track's language and title, which stand as arguments of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as graph

from worker.media import conform, mp4
from worker.media.captions.drawing.faces import FOLDER
from worker.media.decoder import Decoder
from worker.media.sound import aac
from worker.media.source import Source

_TEXT_INPUT = {
    "format": "srt",
    "protocol_whitelist": "file",
    "format_whitelist": "srt",
    "codec_whitelist": "subrip,srt",
}
_PREVIEW_PIXELS = 80_000_000
"""What one core decodes in some four tenths of a second."""
_BLIND, _BLIND_S = ("mpegts", "mpeg", "flv"), 2.0
"""Formats without a list of key frames: FFmpeg's guess may be late, so it is made earlier."""
_CLOCK = "1:90000"
"""MPEG's: fine enough for the times of frames that last differently long."""
_QUIET = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error")

Options = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class TextTrack:
    """A text file of ours, and what is told of it in the result."""

    path: Path
    language: str | None
    title: str | None
    default: bool
    forced: bool


def filters(source: Source) -> list[str]:
    """Return the names of the filters that frames go through."""
    return [*conform.names(source), "ass", "format"]


def needed(source: Source) -> tuple[str, ...]:
    """Return the filters that the ffmpeg must have."""
    return ("ass", *conform.needed(source))


def burning(binary: str, source: Source, captions: Path, target: Path, options: Options, decoder: Decoder) -> list[str]:
    """Return the argv that draws `captions` into every frame; frames keep their times, sound is copied if it can be."""
    media = graph.input(f"file:{source.path}", **source.arguments(), **decoder.arguments())
    drawn = _drawn(decoder.frames(media[str(source.video.index)]), source, captions).filter("format", "yuv420p")
    kept = {"fps_mode": "passthrough", "enc_time_base": _CLOCK}
    made = graph.output(
        drawn,
        *_sounds(media, source),
        f"file:{target}",
        **mp4.WRITTEN,
        **kept,
        **mp4.lasting(source.video),
        **_audio_codecs(source),
        **options,
    )
    return _argv(made, binary)


def adding(
    binary: str, source: Source, tracks: Sequence[TextTrack], target: Path, options: Options, decoder: Decoder | None
) -> list[str]:
    """Return the argv that adds text tracks; `options` say what becomes of the frames: without a decoder, a copy."""
    how = decoder.arguments() if decoder else {}
    media = graph.input(f"file:{source.path}", **source.arguments(), **how)
    frames = media[str(source.video.index)]
    texts = [graph.input(f"file:{track.path}", **_TEXT_INPUT)["s"] for track in tracks]
    dispositions = {f"disposition:s:{n}": _flags(track) for n, track in enumerate(tracks)}
    made = graph.output(
        conform.applied(decoder.frames(frames), source) if decoder else frames,
        *_sounds(media, source),
        *texts,
        f"file:{target}",
        **mp4.WRITTEN,
        **_audio_codecs(source),
        scodec="mov_text",
        **mp4.lasting(source.video),
        **dispositions,
        **options,
    )
    argv = _argv(made, binary)
    before_target = argv.index(f"file:{target}")
    names = [word for n, track in enumerate(tracks) for word in _names(track, f"-metadata:s:s:{n}")]
    return [*argv[:before_target], *names, *argv[before_target:]]


def _flags(track: TextTrack) -> str:
    flags = [*(["default"] if track.default else []), *(["forced"] if track.forced else [])]
    return "+".join(flags) or "0"


def _names(track: TextTrack, option: str) -> list[str]:
    """Return the words that tell language and title; ffmpeg-python gives an option once alone."""
    words = [option, f"language={track.language}"] if track.language else []
    return [*words, option, f"title={track.title}", option, f"handler_name={track.title}"] if track.title else words


def showing(
    binary: str, source: Source, captions: Path, target: Path, at_s: float, *, from_start: bool = False
) -> list[str]:
    """Return the argv that makes a JPEG of the frame shown at `at_s`, with the captions of that very time.

    Decoding begins at a key frame before it. Where that is far, the picture is one between them: as far as can be
    decoded in well under a second. With `from_start` all is decoded, for files whose key frames can't be found.
    """
    video = source.video
    # Without the sounds beside them, FFmpeg may count the pictures' time from another zero.
    alone_s = at_s - source.begun_s(*source.facts.audio) + source.begun_s()
    begun_s = 0.0 if from_start else max(0.0, alone_s - (_BLIND_S if source.demuxer in _BLIND else 0.0))
    seek: dict[str, str | None] = {} if from_start else {"ss": f"{begun_s:.3f}", "noaccurate_seek": None}
    media = graph.input(f"file:{source.path}", **seek, **source.arguments())
    wanted = f"gte(t,{alone_s - begun_s - 0.001:.3f})"
    if not from_start:
        wanted += f"+gte(n,{max(1, _PREVIEW_PIXELS // (video.width * video.height))})"
    # A last frame may be shown long past its own time: it is repeated until one is late enough.
    frame = media[str(video.index)].filter("tpad", stop=-1, stop_mode="clone").filter("select", wanted)
    drawn = _drawn(frame.filter("setpts", f"{at_s:.3f}/TB"), source, captions).filter("format", "yuvj420p")
    made = graph.output(drawn, f"file:{target}", format="mjpeg", **{"frames:v": 1, "q:v": 3, "fflags": "+bitexact"})
    return _argv(made, binary)


def _drawn(frames: Any, source: Source, captions: Path) -> Any:
    return conform.applied(frames, source).filter("ass", filename=str(captions), fontsdir=str(FOLDER))


def _sounds(media: Any, source: Source) -> list[Any]:
    return [media[str(track.index)] for track in source.facts.audio]


def _audio_codecs(source: Source) -> Options:
    """Return the option for each sound track: copied where an MP4 can hold it."""
    options: dict[str, str | int] = {}
    for n, track in enumerate(source.facts.audio):
        copied = track.codec in mp4.AUDIO_CODECS
        options |= {f"c:a:{n}": "copy"} if copied else aac.encoded(track.channels, f"a:{n}")
    return options


def audio_codec(source: Source) -> str:
    """Return what encodes the sound that players play."""
    if source.audio is None:
        return "none"
    return "copy" if source.audio.codec in mp4.AUDIO_CODECS else aac.CODEC


def _argv(node: Any, binary: str) -> list[str]:
    argv: list[str] = node.global_args(*_QUIET).overwrite_output().compile(cmd=binary)
    return argv
