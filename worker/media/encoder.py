"""The encoder of a codec: NVENC where it really works, else the CPU's, and its arguments for each quality."""

import functools
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as graph
import numpy as np

from shared.errors import JobError, MediaCorrupt
from shared.media.encoding import Codec, EncoderReport, Quality
from worker.context import CancelFlag
from worker.media.running import binary
from worker.media.running.confinement import Reach
from worker.media.running.frames import Frame, feed
from worker.media.running.process import RunLimits
from worker.media.running.said import in_short
from worker.media.sound import aac
from worker.media.source import Source

X264, X265, SVT_AV1 = "libx264", "libx265", "libsvtav1"
NVENC = "h264_nvenc"

Arguments = Mapping[str, str | int]

_X264: Mapping[Quality, Arguments] = {
    Quality.DRAFT: {"preset": "superfast", "crf": 24},
    Quality.BALANCED: {"preset": "veryfast", "crf": 20},
    Quality.HIGH: {"preset": "fast", "crf": 18},
}
_X265: Mapping[Quality, Arguments] = {
    Quality.DRAFT: {"preset": "ultrafast", "crf": 28},
    Quality.BALANCED: {"preset": "veryfast", "crf": 24},
    Quality.HIGH: {"preset": "fast", "crf": 21},
}
_SVT_AV1: Mapping[Quality, Arguments] = {
    Quality.DRAFT: {"preset": 12, "crf": 40},
    Quality.BALANCED: {"preset": 10, "crf": 34},
    Quality.HIGH: {"preset": 8, "crf": 28},
}
_SOFTWARE = {Codec.H264: X264, Codec.HEVC: X265, Codec.AV1: SVT_AV1}
_HARDWARE = {Codec.H264: NVENC, Codec.HEVC: "hevc_nvenc", Codec.AV1: "av1_nvenc"}
_NVENC_PRESETS = {Quality.DRAFT: "p4", Quality.BALANCED: "p5", Quality.HIGH: "p7"}
_NVENC_CQ: Mapping[str, Mapping[Quality, int]] = {
    NVENC: {Quality.DRAFT: 27, Quality.BALANCED: 23, Quality.HIGH: 20},
    "hevc_nvenc": {Quality.DRAFT: 30, Quality.BALANCED: 26, Quality.HIGH: 23},
    "av1_nvenc": {Quality.DRAFT: 38, Quality.BALANCED: 32, Quality.HIGH: 27},
}
_FADE_S = 0.5
_SAMPLE_RATE = 48_000

_BT709 = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709", "color_range": "tv"}


@dataclass(frozen=True, slots=True)
class RawVideo:
    """The shape of the frames that go in: planar I420, BT.709, limited range."""

    width: int
    height: int
    fps: int
    frames: int


def uses_cuda(name: str) -> bool:
    """Whether the encoder of that name opens the GPU."""
    return name in _HARDWARE.values()


def arguments(name: str, quality: Quality, threads: int) -> dict[str, str | int]:
    """Return the encoder's own options for `quality`; those of the CPU keep to `threads` threads."""
    if uses_cuda(name):
        preset, cq = _NVENC_PRESETS[quality], _NVENC_CQ[name][quality]
        return {"vcodec": name, "preset": preset, "tune": "hq", "rc": "vbr", "cq": cq, "b:v": 0, **_tag(name)}
    if name == X265:
        return {"vcodec": X265, **_X265[quality], "x265-params": f"log-level=error:pools={threads}", **_tag(name)}
    if name == SVT_AV1:
        return {"vcodec": SVT_AV1, **_SVT_AV1[quality], "svtav1-params": f"lp={threads}"}
    return {"vcodec": X264, **_X264[quality], "threads": threads}


def _tag(name: str) -> dict[str, str | int]:
    """Return what Apple's players know HEVC by."""
    return {"tag:v": "hvc1"} if name in (X265, _HARDWARE[Codec.HEVC]) else {}


def command(path: str, video: RawVideo, target: Path, options: Arguments, sound: Source | None = None) -> list[str]:
    """Return the argv that encodes raw frames from standard input into an MP4 at `target`, with a sound if any.

    Nothing in it comes from a user but whole numbers; `target` is the worker's own name.
    """
    raw = graph.input(
        "pipe:0",
        format="rawvideo",
        pix_fmt="yuv420p",
        video_size=(video.width, video.height),
        framerate=video.fps,
        protocol_whitelist="pipe",
        **_BT709,
    )
    streams = [raw.video] if sound is None else [raw.video, _heard(sound, video.frames / video.fps)]
    heard = {} if sound is None else {**aac.encoded(sound.sound.channels), "flags:a": "+bitexact"}
    made = graph.output(
        *streams,
        f"file:{target}",
        format="mp4",
        pix_fmt="yuv420p",
        movflags="+faststart",
        map_metadata=-1,
        fflags="+bitexact",
        **{"frames:v": video.frames, "flags:v": "+bitexact", "fps_mode": "passthrough"},
        **_BT709,
        **options,
        **heard,
    )
    quiet = made.global_args("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error").overwrite_output()
    argv: list[str] = quiet.compile(cmd=path)
    return argv


def _heard(sound: Source, length_s: float) -> Any:
    """Return the sound, as long as the video: cut with a short fade, or with silence behind it."""
    if not sound.sound.readable:
        raise MediaCorrupt("The sound can't be decoded.")
    track = graph.input(f"file:{sound.path}", **sound.arguments())[str(sound.sound.index)]
    track = track.filter("aresample", sample_rate=_SAMPLE_RATE, **{"async": 1, "first_pts": 0})
    if sound.sound.duration_s > length_s:
        fade_s = min(_FADE_S, length_s)
        track = track.filter("afade", type="out", start_time=length_s - fade_s, duration=fade_s)
    return track.filter("apad", whole_dur=length_s).filter("atrim", end=length_s)


@functools.cache
def choose(codec: Codec = Codec.H264) -> EncoderReport:
    """Return NVENC if it encodes one real frame on this machine, else the CPU's encoder, and what was found.

    Being listed proves nothing: GPUs without an encoder (A100, H100) and machines without a driver list it too.
    The answer is kept for the process's life.
    """
    hardware = _HARDWARE[codec]
    found = program(codec)
    try:
        binary.find(encoders=(*binary.NEEDED_ENCODERS, hardware))
        _encode_one_frame(found, hardware)
    except JobError as failure:
        reason = f"{hardware} can't be used here: {in_short(failure)}"
        return EncoderReport(name=_SOFTWARE[codec], reason=reason)
    return EncoderReport(name=hardware, reason=f"{hardware} encoded a frame on this machine")


def program(codec: Codec) -> str:
    """Return the path of an ffmpeg that encodes this codec on the CPU; EncodeFailed if there is none."""
    return binary.find(encoders=tuple(dict.fromkeys((*binary.NEEDED_ENCODERS, _SOFTWARE[codec])))).path


def instead_of(chosen: EncoderReport, failure: JobError, codec: Codec = Codec.H264) -> EncoderReport:
    """Return the CPU's encoder for the one video that the GPU failed on."""
    if not uses_cuda(chosen.name):
        return chosen
    reason = f"{chosen.name} failed on this video: {in_short(failure)}"
    return EncoderReport(name=_SOFTWARE[codec], reason=reason)


class _OneFrame:
    """A single grey frame."""

    def __init__(self, video: RawVideo) -> None:
        self.frame_bytes = video.width * video.height * 3 // 2

    def __len__(self) -> int:
        return 1

    def draw(self, index: int, frame: Frame) -> None:
        """Paint it grey."""
        del index
        frame[:] = np.uint8(128)


def _encode_one_frame(path: str, name: str) -> None:
    # Some NVENC generations refuse frames under 145 pixels wide.
    video = RawVideo(width=256, height=256, fps=24, frames=1)
    with tempfile.TemporaryDirectory(prefix="revela-probe-") as folder:
        argv = command(path, video, Path(folder) / "probe.mp4", arguments(name, Quality.DRAFT, threads=1))
        limits = RunLimits(timeout_s=20, max_output_bytes=1 << 20)
        reach = Reach(writes=(Path(folder),), cuda=uses_cuda(name))
        feed(argv, _OneFrame(video), reach=reach, limits=limits, cancel=CancelFlag())
