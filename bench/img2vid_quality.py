"""How good img2vid's pictures and motion are, against Lanczos: python -m bench.img2vid_quality."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.metrics

from bench.photos import rivals
from bench.photos.flow import smoothness
from bench.photos.reference import LanczosFrames
from bench.photos.vmaf import score
from shared.media.encoding import Quality
from shared.operations.img2vid import Fit, Motion, Params
from tests.pictures import Pixels, encoded, sample, texture
from tests.worker.operations.lone_item import LoneItem
from worker.context import CancelFlag
from worker.media import encoder
from worker.media.running import binary
from worker.media.running.confinement import Reach
from worker.media.running.frames import FrameSource, feed
from worker.media.running.process import RunLimits
from worker.media.source import open_media
from worker.media.still.ken_burns import KenBurns
from worker.media.still.motion import Box, Camera, Plan, Window, plan
from worker.media.still.planes import Plane, split_frame
from worker.media.still.pyramid import Pyramid
from worker.operations import img2vid

SIZE = (1920, 1080)
PHOTO = (4000, 2250)
OPTIONS = encoder.arguments(encoder.X264, Quality.BALANCED, 2)
LOSSLESS: encoder.Arguments = {"vcodec": "libx264", "preset": "ultrafast", "qp": 0, "threads": 2}
LIMITS = RunLimits(timeout_s=1200, max_output_bytes=4 << 30)
QUALITIES = {Quality.BALANCED: 2.2, Quality.HIGH: 1.0}  # how much VMAF may lie below the encoded reference


@dataclass
class Verdicts:
    """Prints each figure beside its aim, and remembers whether all were kept."""

    kept: bool = True

    def say(self, what: str, figure: str, aim: str, kept: bool) -> None:
        self.kept &= kept
        print(f"  {what:44} {figure:>20}   aim {aim:16} {'kept' if kept else 'MISSED'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 s instead of 5, without the documented command")
    quick = parser.parse_args().quick
    pixels, verdicts = sample("astronaut", *PHOTO), Verdicts()
    with tempfile.TemporaryDirectory(prefix="revela-bench-") as name:
        folder = Path(name)
        (folder / "photo.png").write_bytes(encoded(pixels, "PNG", compress_level=1))
        _videos(folder, pixels, 2.0 if quick else 5.0, verdicts)
        if not quick:
            _documented(folder, pixels)
    _ends(verdicts)
    sys.exit(0 if verdicts.kept else 1)


def _videos(folder: Path, pixels: Pixels, duration_s: float, verdicts: Verdicts) -> None:
    params = {
        quality: Params.model_validate(
            {"image": "https://photos.example/a.png", "duration_s": duration_s, "quality": quality}
        )
        for quality in QUALITIES
    }
    ours = {
        quality: img2vid.photo_in_motion(asked, LoneItem(folder / "photo.png", folder))
        for quality, asked in params.items()
    }
    made = ours[Quality.BALANCED].plan
    right = LanczosFrames(pixels, made, SIZE)
    lossless, reference = folder / "lossless.mp4", folder / "reference.mp4"
    _encode(right, lossless, LOSSLESS)
    _encode(right, reference, OPTIONS)
    best, floor = score(reference, lossless), smoothness(_decoded(reference), made)
    raw = smoothness(_drawn(right), made)
    print(f"{PHOTO[0]}×{PHOTO[1]}, {len(made.windows)} frames of 1080p, x264 veryfast crf 20")
    print(f"  Lanczos, encoded alike: VMAF {best.vmaf:.2f}, SSIM {best.ssim:.4f}, jitter {floor.jitter_px:.4f} px;")
    print(f"  its raw frames: jitter {raw.jitter_px:.4f} px, which is the floor of the measurement")
    for quality, frames in ours.items():
        video = folder / f"{quality}.mp4"
        _encode(frames, video, OPTIONS)
        found, flow, drawn = score(video, lossless), smoothness(_decoded(video), made), smoothness(_drawn(frames), made)
        below = best.vmaf - found.vmaf
        print(f" {quality}: VMAF {found.vmaf:.2f}, SSIM {found.ssim:.4f}, {video.stat().st_size // 1000} kB")
        verdicts.say(
            "VMAF below the encoded reference", f"{below:.2f}", f"≤ {QUALITIES[quality]}", below <= QUALITIES[quality]
        )
        verdicts.say("jitter of raw frames", f"{drawn.jitter_px:.4f} px", "< 0.005 px", drawn.jitter_px < 0.005)
        ratio = flow.jitter_px / floor.jitter_px
        verdicts.say("jitter of encoded frames / the reference's", f"{ratio:.3f}", "≤ 1.15", ratio <= 1.15)
        backward = flow.backward_frames + drawn.backward_frames
        verdicts.say("backward frames", f"{backward}", "0", backward == 0)
        count, wanted = open_media(video).video.frames, round(duration_s * 24)
        verdicts.say("frames", f"{count}", f"{wanted}", count == wanted)


def _documented(folder: Path, pixels: Pixels) -> None:
    """The centred documented command against Lanczos along its own path."""
    video, lossless = folder / "documented.mp4", folder / "documented-lossless.mp4"
    rivals.documented(folder / "photo.png", video, OPTIONS, centred=True)
    width, height = PHOTO
    zooms = [min(1 + 0.324 * number / 120, 1.324) for number in range(120)]
    windows = tuple(
        Window((width - width / zoom) / 2, (height - height / zoom) / 2, width / zoom, height / zoom) for zoom in zooms
    )
    made = Plan(Box(0, 0, *SIZE), windows)
    _encode(LanczosFrames(pixels, made, SIZE), lossless, LOSSLESS)
    found, flow = score(video, lossless), smoothness(_decoded(video), made)
    print(" the documented command, centred, against Lanczos along its own path:")
    print(f"  VMAF {found.vmaf:.2f}, SSIM {found.ssim:.4f}, jitter {flow.jitter_px:.4f} px, ", end="")
    print(f"{flow.backward_frames} backward frames")


def _ends(verdicts: Verdicts) -> None:
    """First and last frame against the planned window, as drawn."""
    print(" first and last frame against the planned window (SSIM of luma):")
    pictures = {"photo": sample("astronaut", 4000, 3000), "fine texture": texture(4000, 3000)}
    for name, pixels in pictures.items():
        for zoom in (1.3, 3.0):
            for quality in QUALITIES:
                made = plan((4000, 3000), SIZE, Camera(Motion.ZOOM_IN, zoom, (0.5, 0.5), Fit.COVER), 120)
                ours = KenBurns(Pyramid(pixels, 1, made, spread=img2vid.SPREAD[quality]), made, SIZE)
                right = LanczosFrames(pixels, made, SIZE)
                likeness = [_ssim(_luma(ours, index), _luma(right, index)) for index in (0, 119)]
                figure = f"{likeness[0]:.4f} {likeness[1]:.4f}"
                verdicts.say(f"{name}, zoom {zoom}, {quality}", figure, "> 0.98", min(likeness) > 0.98)


def _encode(frames: FrameSource, target: Path, options: encoder.Arguments) -> None:
    video = encoder.RawVideo(*SIZE, 24, len(frames))
    path = binary.find(filters=("libvmaf",)).path
    reach = Reach(writes=(target.parent,))
    feed(encoder.command(path, video, target, options), frames, reach=reach, limits=LIMITS, cancel=CancelFlag())


def _drawn(frames: FrameSource) -> Iterator[Plane]:
    return (_luma(frames, index) for index in range(len(frames)))


def _luma(frames: FrameSource, index: int) -> Plane:
    frame = np.empty(frames.frame_bytes, np.uint8)
    frames.draw(index, frame)
    return split_frame(frame, *SIZE).luma


def _decoded(video: Path) -> Iterator[Plane]:
    """Yield the luma of each frame that ffmpeg decodes."""
    argv = [binary.find().path, "-v", "error", "-i", str(video), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while raw := process.stdout.read(SIZE[0] * SIZE[1] * 3 // 2):
            yield split_frame(np.frombuffer(raw, np.uint8), *SIZE).luma


def _ssim(one: Plane, other: Plane) -> float:
    return float(skimage.metrics.structural_similarity(one, other))  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
