"""What decodes a video: the GPU where it really decodes such a one, else the CPU; and the options that say so.

Frames that the GPU decoded are copied into the machine's memory, since the filters that follow (libass, mixing) work
there; the encoder, on the GPU or not, takes them from there.
"""

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as graph

from shared.errors import JobError
from worker.context import CancelFlag
from worker.media.running import binary
from worker.media.running.capture import capture
from worker.media.running.confinement import Reach
from worker.media.running.convert import convert
from worker.media.running.process import RunLimits
from worker.media.running.said import in_short
from worker.media.source import Source

CPU, NVDEC, NONE = "cpu", "nvdec", "none"

_PLANAR_420 = {"yuv420p": "nv12", "yuvj420p": "nv12", "nv12": "nv12", "yuv420p10le": "p010le", "p010le": "p010le"}
"""What NVDEC gives for each kind of frame that it knows; 4:2:2 and 4:4:4 it decodes on few GPUs alone."""
_DECODED = {
    "h264": ("nv12",),
    "hevc": ("nv12", "p010le"),
    "vp8": ("nv12",),
    "vp9": ("nv12", "p010le"),
    "av1": ("nv12", "p010le"),
    "mpeg2video": ("nv12",),
    "mpeg1video": ("nv12",),
    "mpeg4": ("nv12",),
}
"""NVIDIA's Video Codec SDK 12, decode support matrix: what every GPU since Ampere takes."""


@dataclass(frozen=True, slots=True)
class Decoder:
    """What decodes, and why."""

    name: str
    reason: str
    layout: str = ""
    """How frames lie when they come from the GPU."""

    @property
    def uses_cuda(self) -> bool:
        """Whether it opens the GPU."""
        return self.name == NVDEC

    def arguments(self) -> dict[str, str]:
        """Return the options before ``-i`` that choose it."""
        return {"hwaccel": "cuda", "hwaccel_output_format": "cuda"} if self.uses_cuda else {}

    def frames(self, stream: Any) -> Any:
        """Return the decoded stream with its frames in the machine's memory."""
        return stream.filter("hwdownload").filter("format", self.layout) if self.uses_cuda else stream

    def filters(self) -> list[str]:
        """Return the names of the filters that bring them there."""
        return ["hwdownload", "format"] if self.uses_cuda else []


NOTHING = Decoder(NONE, "")
"""Where frames are copied, or drawn by ourselves."""


def choose(source: Source) -> Decoder:
    """Return what decodes this video."""
    track = source.video
    layout = _PLANAR_420.get(track.pixel_format)
    if layout not in _DECODED.get(track.codec, ()):
        return Decoder(CPU, f"{track.codec} of {track.pixel_format} is decoded by the CPU")
    if track.rotation:
        return Decoder(CPU, "what is turned is decoded by the CPU")
    works, reason = on_this_machine()
    return Decoder(NVDEC, reason, layout or "") if works else Decoder(CPU, reason)


def instead_of(chosen: Decoder, failure: JobError) -> Decoder:
    """Return the CPU for the one video that the GPU failed on."""
    if not chosen.uses_cuda:
        return chosen
    return Decoder(CPU, f"{chosen.name} failed on this video: {in_short(failure)}")


@functools.cache
def on_this_machine() -> tuple[bool, str]:
    """Return whether NVDEC decodes one real frame here, and what was found. Kept for the process's life."""
    path = binary.find().path
    with tempfile.TemporaryDirectory(prefix="revela-probe-") as name:
        clip = Path(name) / "probe.mp4"
        try:
            picture = ("-f", "lavfi", "-i", "color=s=256x256:r=25:d=0.04")
            capture([path, "-v", "error", *picture, "-c:v", "libx264", "-pix_fmt", "yuv420p", str(clip)])
            convert(
                probe_command(path, clip),
                reach=Reach(reads=(clip,), writes=(clip.parent,), cuda=True),
                limits=RunLimits(timeout_s=30, max_output_bytes=1 << 20),
                cancel=CancelFlag(),
            )
        except JobError as failure:
            return False, f"NVDEC can't be used here: {in_short(failure)}"
    return True, "NVDEC decoded a frame on this machine"


def probe_command(path: str, clip: Path) -> list[str]:
    """Return the argv that decodes a clip on the GPU and nowhere else."""
    decoder = Decoder(NVDEC, "", "nv12")
    stream = graph.input(f"file:{clip}", format="mov", protocol_whitelist="file", **decoder.arguments()).video
    made = decoder.frames(stream).output("pipe:1", format="null", **{"frames:v": 1})
    argv: list[str] = made.global_args("-hide_banner", "-nostdin", "-loglevel", "error").compile(cmd=path)
    return argv
