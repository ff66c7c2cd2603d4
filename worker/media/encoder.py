"""The H.264 encoder: NVENC where it really works, else x264, and its arguments for each quality."""

import functools
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import ffmpeg as graph
import numpy as np

from shared.errors import JobError
from shared.operations.img2vid import EncoderReport, Quality
from worker.context import CancelFlag
from worker.media.running import binary
from worker.media.running.confinement import Reach
from worker.media.running.frames import Frame, feed
from worker.media.running.process import RunLimits

X264 = "libx264"
NVENC = "h264_nvenc"

Arguments = Mapping[str, str | int]

_X264: Mapping[Quality, Arguments] = {
    Quality.DRAFT: {"preset": "superfast", "crf": 24},
    Quality.BALANCED: {"preset": "veryfast", "crf": 20},
    Quality.HIGH: {"preset": "fast", "crf": 18},
}
_NVENC: Mapping[Quality, Arguments] = {
    Quality.DRAFT: {"preset": "p4", "tune": "hq", "rc": "vbr", "cq": 27, "b:v": 0},
    Quality.BALANCED: {"preset": "p5", "tune": "hq", "rc": "vbr", "cq": 23, "b:v": 0},
    Quality.HIGH: {"preset": "p7", "tune": "hq", "rc": "vbr", "cq": 20, "b:v": 0},
}
_REASON_CHARACTERS = 120

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
    return name == NVENC


def arguments(name: str, quality: Quality, threads: int) -> dict[str, str | int]:
    """Return the encoder's own options for `quality`; x264 keeps to `threads` CPU threads."""
    if name == NVENC:
        return {"vcodec": NVENC, **_NVENC[quality]}
    return {"vcodec": X264, **_X264[quality], "threads": threads}


def command(path: str, video: RawVideo, target: Path, options: Arguments) -> list[str]:
    """Return the argv that encodes raw frames from standard input into an MP4 at `target`.

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
    made = raw.video.output(
        f"file:{target}",
        format="mp4",
        pix_fmt="yuv420p",
        movflags="+faststart",
        map_metadata=-1,
        fflags="+bitexact",
        **{"frames:v": video.frames, "flags:v": "+bitexact", "fps_mode": "passthrough"},
        **_BT709,
        **options,
    )
    quiet = made.global_args("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error").overwrite_output()
    argv: list[str] = quiet.compile(cmd=path)
    return argv


@functools.cache
def choose() -> EncoderReport:
    """Return NVENC if it encodes one real frame on this machine, else x264; the reason says what was found.

    Being listed proves nothing: GPUs without an encoder (A100, H100) and machines without a driver list it too.
    The answer is kept for the process's life.
    """
    found = binary.find()
    try:
        binary.find(encoders=(*binary.NEEDED_ENCODERS, NVENC))
        _encode_one_frame(found.path, NVENC)
    except JobError as failure:
        return EncoderReport(name=X264, reason=f"{NVENC} can't be used here: {_in_short(failure.detail)}")
    return EncoderReport(name=NVENC, reason=f"{NVENC} encoded a frame on this machine")


def instead_of(chosen: EncoderReport, failure: JobError) -> EncoderReport:
    """Return x264 for the one video that `chosen` failed on."""
    return EncoderReport(name=X264, reason=f"{chosen.name} failed on this video: {_in_short(failure.detail)}")


def _in_short(detail: str) -> str:
    """Return the first thing that ffmpeg complained of: the rest follows from it."""
    return detail.partition(" | ")[0][:_REASON_CHARACTERS]


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
