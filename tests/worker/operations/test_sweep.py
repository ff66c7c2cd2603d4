"""The sweep over a folder of one's own: what it tells, and what it takes for a failure."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import pictures
from tests.worker.media.clips import SOUND, make, usual
from tests.worker.operations.sweep import NotDecoded, decoded_frames, sweep
from worker.context import Context
from worker.registry import Registry

pytestmark = pytest.mark.slow


def told(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str], str]:
    """Return how each run ended, by file and operation."""
    lines = (line.split("  ", 3) for line in capsys.readouterr().out.splitlines())
    return {(words[0], words[1]): words[3] for words in lines if len(words) == 4}


def test_every_file_goes_through_what_it_is_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual(tmp_path / "clip.mp4")
    make(tmp_path / "tone.flac", sources=SOUND)
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(64, 48))
    (tmp_path / "page.mp4").write_text("<html>")
    assert sweep(tmp_path, Registry.discover()) == 0
    ends = told(capsys)
    assert {file: [name for of, name in ends if of == file] for file in ("photo.jpg", "tone.flac")} == {
        "photo.jpg": ["probe", "img2vid", "img2vid with sound"],
        "tone.flac": ["probe", *(f"add_audio {name}, as sound" for name in ("replace", "mix", "duck", "loudness"))],
    }
    assert len([name for of, name in ends if of == "clip.mp4"]) == 12
    assert ends["clip.mp4", "probe"] == "ok 320x180 50 frames h264, 2.0 s aac"
    assert ends["clip.mp4", "caption burn"] == "ok 320x180 50 frames"
    assert ends["clip.mp4", "caption preview"] == "ok 320x180 1 frames"
    assert {end.partition(":")[0] for (of, _), end in ends.items() if of == "page.mp4"} == {"media-format"}


def test_an_operation_that_breaks_is_shown_with_its_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(64, 48))

    def breaks(params: Any, context: Context) -> Any:
        raise KeyError(f"nobody planned {params.image}")

    known = Registry.discover()
    broken = Registry({**known, "img2vid": replace(known["img2vid"], run=breaks)})
    assert sweep(tmp_path, broken) == 1
    assert "KeyError: 'nobody planned https://media.example/file'" in capsys.readouterr().out


def test_a_video_with_a_fault_in_it_counts_as_not_decoded(tmp_path: Path) -> None:
    clip = usual(tmp_path / "clip.mp4")
    assert decoded_frames(clip) == 50
    content = bytearray(clip.read_bytes())
    content[2000:3000] = bytes(1000)
    clip.write_bytes(content)
    with pytest.raises(NotDecoded):
        decoded_frames(clip)
