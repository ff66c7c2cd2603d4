"""What decodes a video: chosen by what really works, and said in the command."""

import shutil
from pathlib import Path

import pytest

from shared.errors import EncodeFailed
from shared.media.encoding import Quality
from shared.operations.caption import Params
from tests.worker.media.clips import H264, PICTURE, make, usual
from tests.worker.operations.lone_item import LoneItem
from worker.media import decoder, encoder
from worker.media.captions import command
from worker.media.source import Source, open_media
from worker.operations import caption

pytestmark = pytest.mark.slow

WORKS = (True, "NVDEC decoded a frame on this machine")
TEXT = "1\n00:00:00,000 --> 00:00:01,000\nHello\n"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return open_media(usual(tmp_path_factory.mktemp("clip") / "a.mp4"))


def burning(source: Source, chosen: decoder.Decoder) -> list[str]:
    options = encoder.arguments(encoder.NVENC, Quality.BALANCED, 2)
    return command.burning("ffmpeg", source, Path("/job/captions.ass"), Path("/job/video.mp4"), options, chosen)


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a GPU here")
def test_without_a_gpu_the_cpu_decodes_and_the_driver_is_named(clip: Source) -> None:
    decoder.on_this_machine.cache_clear()
    chosen = decoder.choose(clip)
    assert (chosen.name, chosen.arguments(), chosen.filters()) == (decoder.CPU, {}, [])
    assert chosen.reason.startswith("NVDEC can't be used here: ")
    assert "libcuda" in chosen.reason
    assert "-hwaccel" not in burning(clip, chosen)


def test_where_the_gpu_decodes_the_command_says_so(clip: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "on_this_machine", lambda: WORKS)
    argv = burning(clip, decoder.choose(clip))
    before = argv[: argv.index("-i")]
    assert before[before.index("-hwaccel") + 1] == before[before.index("-hwaccel_output_format") + 1] == "cuda"
    filters = argv[argv.index("-filter_complex") + 1]
    assert filters.startswith("[0:0]hwdownload[s0];[s0]format=nv12[s1];[s1]ass=")
    assert argv[argv.index("-vcodec") + 1] == "h264_nvenc"


@pytest.mark.parametrize(
    ("words", "layout"),
    [
        (("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"), "p010le"),
        (("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"), ""),
        (("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv422p"), ""),
        (
            (
                "-c:v",
                "mpeg2video",
            ),
            "nv12",
        ),
    ],
)
def test_only_what_every_gpu_decodes_is_given_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], layout: str
) -> None:
    monkeypatch.setattr(decoder, "on_this_machine", lambda: WORKS)
    chosen = decoder.choose(open_media(make(tmp_path / "a.mkv", *words, "-an", sources=PICTURE)))
    assert (chosen.layout, chosen.uses_cuda) == (layout, bool(layout))


def test_a_turned_video_is_decoded_by_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "on_this_machine", lambda: WORKS)
    plain = make(tmp_path / "plain.mp4", *H264, "-an", sources=PICTURE)
    turned = make(tmp_path / "a.mp4", "-c", "copy", sources=("-display_rotation:v:0", "90", "-i", str(plain)))
    assert decoder.choose(open_media(turned)).reason == "what is turned is decoded by the CPU"


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a GPU here")
def test_a_video_that_the_gpu_can_not_decode_is_decoded_by_the_cpu(
    tmp_path: Path, clip: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "on_this_machine", lambda: WORKS)
    params = Params.model_validate({"video": "https://media.example/a.mp4", "subtitles": TEXT})
    result = caption.run(params, LoneItem(clip.path, tmp_path))
    assert result.video is not None
    assert (result.video.frames, result.pipeline.decoder) == (50, "cpu")
    assert any(reason.startswith("nvdec failed on this video: ") for reason in result.pipeline.reasons)


def test_the_reason_is_short() -> None:
    failure = EncodeFailed("ffmpeg ended with 1: " + "x" * 500)
    assert len(decoder.instead_of(decoder.Decoder(decoder.NVDEC, ""), failure).reason) < 200


@pytest.mark.gpu
@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="no GPU here")
def test_with_a_gpu_captions_go_through_it(tmp_path: Path, clip: Source) -> None:
    decoder.on_this_machine.cache_clear()
    assert decoder.on_this_machine()[0]
    params = Params.model_validate({"video": "https://media.example/a.mp4", "subtitles": TEXT})
    result = caption.run(params, LoneItem(clip.path, tmp_path))
    assert result.video is not None
    assert (result.video.frames, result.pipeline.decoder) == (50, "nvdec")
