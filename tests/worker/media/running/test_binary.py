"""Which ffmpeg is taken."""

from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from shared.errors import EncodeFailed
from worker.media.running import binary

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    binary.find.cache_clear()
    yield
    binary.find.cache_clear()


def script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def able(path: Path) -> Path:
    return script(path, "echo ' V....D libx264  H.264'; echo ' V....D libx265  H.265'")


def test_the_one_that_is_named_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVELA_FFMPEG", str(able(tmp_path / "mine")))
    assert binary.find() == binary.Binary(str(tmp_path / "mine"), "REVELA_FFMPEG has what is needed")


def test_the_path_comes_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    able(tmp_path / "ffmpeg")
    monkeypatch.delenv("REVELA_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert binary.find().path == str(tmp_path / "ffmpeg")


def test_those_that_lack_something_are_passed_over_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "ffmpeg", "exit 1")
    monkeypatch.setenv("REVELA_FFMPEG", str(script(tmp_path / "poor", "echo ' V....D mpeg4  MPEG-4'")))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = binary.find()
    assert found.path == imageio_ffmpeg.get_ffmpeg_exe()
    assert found.reason.startswith("REVELA_FFMPEG lacks libx264; the PATH's ffmpeg does not run; imageio-ffmpeg's")


def test_a_need_that_none_meets_is_encode_failed() -> None:
    with pytest.raises(EncodeFailed, match="no_such_filter"):
        binary.find(filters=("no_such_filter",))


def test_needed_filters_are_looked_up() -> None:
    assert binary.find(filters=("scale", "overlay")).path
