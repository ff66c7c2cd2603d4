"""img2vid from the photo's file to the finished video, judged by another decoder."""

import itertools
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.errors import ImageTooLarge, JobError, MediaCorrupt, MediaEmpty, MediaFormat, WorkCancelled
from shared.media.encoding import EncoderReport, Quality
from shared.operations.img2vid import Fit, Motion, Params, Result
from tests.pictures import Pixels, encoded, sample, scene, texture
from tests.worker.media.clips import make as clip
from tests.worker.media.decoding import frames, likeness
from tests.worker.media.sound.hearing import RATE, heard, level, rms
from tests.worker.media.still.test_images import png_claiming
from tests.worker.operations.lone_item import LoneItem
from worker.media import encoder
from worker.media.still import motion
from worker.operations import img2vid

WIDTH, HEIGHT = 320, 180

pytestmark = pytest.mark.slow


def asked(**fields: Any) -> Params:
    small = {"image": "https://photos.example/a.jpg", "width": WIDTH, "height": HEIGHT, "duration_s": 0.5}
    return Params.model_validate(small | fields)


def make(folder: Path, content: bytes, **fields: Any) -> tuple[Result, Pixels, LoneItem]:
    """Run the operation; return its result, the decoded frames, and the item."""
    source = folder / "source"
    source.write_bytes(content)
    item, params = LoneItem(source, folder), asked(**fields)
    result = img2vid.run(params, item)
    return result, frames(item.output("video"), params.width, params.height), item


def expected(pixels: Pixels, index: int, **fields: Any) -> Pixels:
    """Return the frame that the plan promises, by Pillow."""
    params = asked(**fields)
    camera = motion.Camera(params.motion, params.zoom, (params.focus.x, params.focus.y), params.fit)
    made = motion.plan((pixels.shape[1], pixels.shape[0]), (WIDTH, HEIGHT), camera, params.frames)
    window = made.windows[index]
    box = (window.x, window.y, window.x + window.width, window.y + window.height)
    part = Image.fromarray(pixels).resize((made.box.width, made.box.height), Image.Resampling.LANCZOS, box=box)
    frame = Image.new("RGB", (WIDTH, HEIGHT))
    frame.paste(part, (made.box.x, made.box.y))
    return np.asarray(frame)


@pytest.mark.parametrize("picture", ["photo", "texture"])
@pytest.mark.parametrize("zoom", [1.3, 3.0])
def test_first_and_last_frame_are_the_planned_ones(tmp_path: Path, picture: str, zoom: float) -> None:
    pixels = sample("chelsea", 1200, 900) if picture == "photo" else texture(1200, 900)
    source = tmp_path / "source"
    source.write_bytes(encoded(pixels, "PNG"))
    item = LoneItem(source, tmp_path)
    # Grain and texture are what an encoder drops first: let it keep nearly all, so that the frames are judged.
    img2vid.render(asked(zoom=zoom), item, {"vcodec": "libx264", "preset": "veryfast", "crf": 4})
    made = frames(item.output("video"), WIDTH, HEIGHT)
    assert likeness(grey(made[0]), grey(expected(pixels, 0, zoom=zoom))) > 0.98
    assert likeness(grey(made[-1]), grey(expected(pixels, -1, zoom=zoom))) > 0.98


def grey(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).convert("L"))


@pytest.mark.parametrize("asked_motion", list(Motion))
@pytest.mark.parametrize("fit", [Fit.COVER, Fit.CONTAIN])
def test_every_motion_and_fit_gives_the_promised_video(tmp_path: Path, asked_motion: Motion, fit: Fit) -> None:
    pixels = scene(500, 600, grain=0)
    fields = {"motion": asked_motion, "fit": fit, "focus": {"x": 0.3, "y": 0.6}, "zoom": 1.5}
    result, made, _ = make(tmp_path, encoded(pixels, "PNG"), **fields)
    assert (result.video.frames, result.video.duration_s, result.video.codec) == (12, 0.5, "h264")
    assert len(made) == 12
    for index in (0, -1):
        promised = expected(pixels, index, **fields)
        assert likeness(grey(made[index]), grey(promised)) > 0.93
        assert np.abs(made[index].astype(int) - promised).mean() < 5, "colours too"


def test_a_photo_stands_before_itself_out_of_focus(tmp_path: Path) -> None:
    pixels = scene(300, 600, grain=0)
    fields = {"motion": Motion.NONE, "fit": Fit.BLUR}
    _, made, _ = make(tmp_path, encoded(pixels, "PNG"), **fields)
    promised = expected(pixels, 0, motion=Motion.NONE, fit=Fit.CONTAIN)
    shown = slice((WIDTH - HEIGHT // 2) // 2 + 2, (WIDTH + HEIGHT // 2) // 2 - 2)
    assert likeness(grey(made[0][:, shown]), grey(promised[:, shown])) > 0.9
    for side in (made[0][:, : shown.start - 6], made[0][:, shown.stop + 6 :]):
        assert side.mean() > 20, "not black"
        assert np.abs(np.diff(grey(np.ascontiguousarray(side)).astype(int), axis=1)).max() < 12, "no edge is sharp"
    assert abs(made[0].astype(int) - made[-1]).mean() < 1, "it stands still"


@pytest.mark.parametrize(("codec", "name"), [("hevc", "libx265"), ("av1", "libsvtav1")])
def test_other_codecs_give_the_same_video(tmp_path: Path, codec: str, name: str) -> None:
    pixels = scene(400, 300, grain=0)
    result, made, _ = make(tmp_path, encoded(pixels, "PNG"), codec=codec, quality="high")
    assert (result.video.codec, result.encoder.name, len(made)) == (codec, name, 12)
    assert likeness(grey(made[0]), grey(expected(pixels, 0))) > 0.93
    assert likeness(grey(made[-1]), grey(expected(pixels, -1))) > 0.93


def test_a_camera_that_goes_there_and_back_ends_where_it_began(tmp_path: Path) -> None:
    pixels = scene(400, 300, grain=0)
    _, made, _ = make(tmp_path, encoded(pixels, "PNG"), ping_pong=True, easing="ease_in_out", fps=26, zoom=2.0)
    assert likeness(grey(made[0]), grey(made[-1])) > 0.97
    closest = expected(pixels, -1, zoom=2.0)
    assert max(likeness(grey(frame), grey(closest)) for frame in made[5:8]) > 0.85


@pytest.mark.parametrize(("sound_s", "silent_from_s"), [(0.2, 0.25), (5.0, 0.5)])
def test_a_video_gets_its_sound_as_long_as_itself(tmp_path: Path, sound_s: float, silent_from_s: float) -> None:
    tone = ("-f", "lavfi", "-i", f"sine=f=1000:r=44100:d={sound_s},volume=2")
    sound = clip(tmp_path / "tone.wav", sources=tone)
    source = tmp_path / "source"
    source.write_bytes(encoded(scene(400, 300), "JPEG"))
    address = "https://sounds.example/tone.wav"
    item = LoneItem(source, tmp_path, others={address: sound})
    result = img2vid.run(asked(audio=address), item)
    assert result.video.audio_codec == "aac"
    samples = heard(item.output("video"))
    assert len(samples) / RATE == pytest.approx(0.5, abs=0.03)
    assert level(samples, 1000, 0.05, 0.1) > 0.1
    assert rms(samples, silent_from_s - 0.02, 0.52) < 0.03


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_every_format_is_taken(tmp_path: Path, format: str) -> None:
    pixels = scene(400, 300, grain=0)
    _, made, _ = make(tmp_path, encoded(pixels, format, quality=95))
    assert likeness(grey(made[0]), grey(expected(pixels, 0))) > 0.9


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_lying_on_its_side_is_shown_upright(tmp_path: Path, orientation: int) -> None:
    upright = scene(400, 300, grain=0)
    turns = [
        upright,
        upright[:, ::-1],
        upright[::-1, ::-1],
        upright[::-1],
        np.rot90(upright[:, ::-1], 1),
        np.rot90(upright, 1),
        np.rot90(upright[:, ::-1], -1),
        np.rot90(upright, -1),
    ]
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(np.ascontiguousarray(turns[orientation - 1]), "JPEG", exif=exif.tobytes(), quality=95)
    _, made, _ = make(tmp_path, content, motion=Motion.NONE)
    assert likeness(grey(made[0]), grey(expected(upright, 0, motion=Motion.NONE))) > 0.9


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"duration_s": 0.5, "fps": 1}, 1),
        ({"duration_s": 0.5, "fps": 3}, 2),
        ({"duration_s": 1.01, "fps": 30}, 30),
        ({"duration_s": 0.7, "fps": 120}, 84),
    ],
)
def test_the_number_of_frames_is_exact(tmp_path: Path, fields: dict[str, Any], count: int) -> None:
    result, made, _ = make(tmp_path, encoded(scene(400, 300), "JPEG"), **fields)
    assert (result.video.frames, len(made)) == (count, count)
    assert result.video.fps == fields["fps"]


@pytest.mark.parametrize("quality", list(Quality))
def test_every_quality_runs_and_names_its_encoder(tmp_path: Path, quality: Quality) -> None:
    result, _, _ = make(tmp_path, encoded(scene(400, 300), "JPEG"), quality=quality)
    assert result.encoder.name in ("libx264", "h264_nvenc")
    assert result.encoder.reason


def test_tiny_and_huge_shapes_work(tmp_path: Path) -> None:
    for size in ((1, 1), (3, 2000), (2000, 3)):
        _, made, _ = make(tmp_path, encoded(scene(*size), "PNG"), width=64, height=64)
        assert made.shape[0] == 12


def test_progress_rises_through_the_stages_to_one(tmp_path: Path) -> None:
    _, _, item = make(tmp_path, encoded(scene(400, 300), "JPEG"))
    stages = [stage for stage, _ in itertools.groupby(stage for stage, _ in item.reports)]
    assert stages == ["decode", "encode", "verify"]
    fractions = [fraction for _, fraction in item.reports]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert len(fractions) >= 12


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", MediaEmpty),
        (b"<html>not found</html>", MediaFormat),
        (encoded(scene(400, 300), "JPEG")[:3000], MediaCorrupt),
        (png_claiming(65_500, 65_500), ImageTooLarge),
    ],
    ids=["empty", "no picture", "cut short", "65500²"],
)
def test_a_bad_photo_fails_with_its_own_error(tmp_path: Path, content: bytes, error: type[JobError]) -> None:
    with pytest.raises(error) as failed:
        make(tmp_path, content)
    assert failed.value.stage == "decode"
    assert not failed.value.retryable
    assert not (tmp_path / "video.mp4").exists()


def test_a_cancel_in_the_middle_is_honoured_soon(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(encoded(scene(800, 600), "JPEG"))
    item = LoneItem(source, tmp_path)
    cancelled: list[float] = []

    def cancel() -> None:
        while not any(stage == "encode" for stage, _ in item.reports):
            threading.Event().wait(0.01)
        item.cancel.set()
        cancelled.append(time.monotonic())

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(WorkCancelled):
        img2vid.run(asked(duration_s=60, fps=60, width=1280, height=720), item)
    ended = time.monotonic()
    canceller.join()
    assert ended - cancelled[0] < 5, "the whole video takes far longer"


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a GPU here")
def test_a_video_that_the_gpu_refuses_is_made_by_x264(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    believed = EncoderReport(name="h264_nvenc", reason="h264_nvenc encoded a frame on this machine")
    monkeypatch.setattr(encoder, "choose", lambda _codec: believed)
    result, made, item = make(tmp_path, encoded(scene(400, 300), "JPEG"))
    assert (result.encoder.name, len(made)) == ("libx264", 12)
    assert result.encoder.reason.startswith("h264_nvenc failed on this video: ")
    assert item.reports[-1] == ("verify", 1.0)
