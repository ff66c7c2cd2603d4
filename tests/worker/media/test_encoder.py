"""The encoder's choice and its command."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.media.encoding import Quality
from worker.media import encoder
from worker.media.encoder import NVENC, X264, RawVideo

VIDEOS = st.builds(
    RawVideo,
    width=st.integers(32, 2048).map(lambda half: half * 2),
    height=st.integers(32, 2048).map(lambda half: half * 2),
    fps=st.integers(1, 120),
    frames=st.integers(1, 7200),
)


def argv(name: str, quality: Quality = Quality.BALANCED, threads: int = 3) -> list[str]:
    options = encoder.arguments(name, quality, threads)
    return encoder.command("ffmpeg", RawVideo(1920, 1080, 24, 120), Path("/job/video.mp4"), options)


def value(command: list[str], option: str) -> str:
    """Return what stands behind the output's `option`, the last one of that name."""
    return command[len(command) - 1 - command[::-1].index(option) + 1]


@given(VIDEOS, st.sampled_from([X264, NVENC]), st.sampled_from(Quality), st.integers(1, 64))
def test_commands_differ_in_numbers_and_names_from_our_tables_only(
    video: RawVideo, name: str, quality: Quality, threads: int
) -> None:
    made = encoder.command("ffmpeg", video, Path("/job/video.mp4"), encoder.arguments(name, quality, threads))
    fixed = {part for part in argv(name, quality) if not part.isdigit()}
    for part in made:
        assert part in fixed or re.fullmatch(r"\d+|\d+x\d+", part)


def test_the_input_is_raw_frames_from_the_pipe_and_nothing_else() -> None:
    command = argv(X264)
    before = command[: command.index("-i") + 2]
    assert before[-1] == "pipe:0"
    assert value(before, "-protocol_whitelist") == "pipe"
    assert (value(before, "-f"), value(before, "-video_size")) == ("rawvideo", "1920x1080")
    assert command.count("-i") == 1


def test_the_output_is_tagged_trimmed_and_fast_to_start() -> None:
    command = argv(X264)
    assert value(command, "-pix_fmt") == "yuv420p"
    assert value(command, "-movflags") == "+faststart"
    assert value(command, "-frames:v") == "120"
    assert value(command, "-map_metadata") == "-1"
    for tag in ("-color_primaries", "-color_trc", "-colorspace"):
        assert value(command, tag) == "bt709"
    assert value(command, "-color_range") == "tv"
    assert "file:/job/video.mp4" in command


@pytest.mark.parametrize(
    ("quality", "preset", "crf"),
    [(Quality.DRAFT, "superfast", "24"), (Quality.BALANCED, "veryfast", "20"), (Quality.HIGH, "fast", "18")],
)
def test_x264_is_told_its_preset_and_its_threads(quality: Quality, preset: str, crf: str) -> None:
    command = argv(X264, quality)
    assert [value(command, option) for option in ("-vcodec", "-preset", "-crf", "-threads")] == [X264, preset, crf, "3"]


@pytest.mark.parametrize(("quality", "preset"), [(Quality.DRAFT, "p4"), (Quality.BALANCED, "p5"), (Quality.HIGH, "p7")])
def test_nvenc_is_told_its_own(quality: Quality, preset: str) -> None:
    command = argv(NVENC, quality)
    told = [value(command, option) for option in ("-vcodec", "-preset", "-tune", "-rc", "-b:v")]
    assert told == [NVENC, preset, "hq", "vbr", "0"]
    assert 0 < int(value(command, "-cq")) < 51
    assert "-crf" not in command and "-threads" not in command


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a GPU here")
def test_without_a_gpu_x264_is_taken_and_the_driver_is_named() -> None:
    encoder.choose.cache_clear()
    chosen = encoder.choose()
    assert chosen.name == X264
    assert chosen.reason.startswith("h264_nvenc can't be used here: ")
    assert "libcuda" in chosen.reason
    assert encoder.choose() is chosen


@pytest.mark.gpu
@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="no GPU here")
def test_with_a_gpu_the_choice_is_what_really_encodes() -> None:
    encoder.choose.cache_clear()
    assert encoder.choose().name in (NVENC, X264)
