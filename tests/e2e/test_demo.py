"""The demo as a user runs it: real processes, real videos, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import httpx
import pytest

from tests.pictures import photo

pytestmark = [pytest.mark.slow]

START_S = 90


def demo(folder: Path, *words: str) -> "subprocess.Popen[str]":
    """Start `revela demo --quick` in `folder`; its temporary files stay below it."""
    (folder / "tmp").mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "revela", "demo", "--quick", *words],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder / "tmp"), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of living processes that have `folder` in their arguments or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder) in (entry / "environ").read_text(errors="replace"):
                found.append((entry / "cmdline").read_text(errors="replace").replace("\0", " "))
        except OSError:
            continue
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def frames_and_size(path: Path) -> tuple[int, int, int]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return len(frames), frames[0].width, frames[0].height


def test_the_demo_makes_a_video_of_each_of_its_pictures_and_stops(tmp_path: Path) -> None:
    process = demo(tmp_path, "--json")
    out, err = process.communicate(timeout=START_S)
    assert process.returncode == 0, err
    shown = json.loads(out)
    assert shown["job"]["status"] == "COMPLETED"
    assert [item["id"] for item in shown["job"]["items"]] == [Path(file).stem for file in shown["files"]]
    assert len(shown["files"]) == 3
    assert {frames_and_size(Path(file)) for file in shown["files"]} == {(24, 640, 360)}
    assert processes_of(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_demo_takes_a_user_s_photos_and_keeps_serving_until_it_is_interrupted(tmp_path: Path) -> None:
    for name in ("Férias 1.jpg", "other.png"):
        (tmp_path / name).write_bytes(photo(320, 240, format="PNG" if name.endswith("png") else "JPEG"))
    process = demo(tmp_path, "Férias 1.jpg", "other.png", "--keep", "--output", "out")
    assert process.stdout is not None
    lines: list[str] = []
    while not any("REVELA_URL=" in line for line in lines):
        line = process.stdout.readline()
        assert line, "".join(lines) + (process.stderr.read() if process.stderr else "")
        lines.append(line)
    words = "".join(lines).split()
    url, key = (
        next(word for word in words if word.startswith(name)).partition("=")[2]
        for name in ("REVELA_URL", "REVELA_API_KEY")
    )
    [job] = httpx.get(f"{url}/v1/jobs", headers={"X-API-Key": key}).json()["jobs"]
    assert job["status"] == "COMPLETED"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["F-rias-1.mp4", "other.mp4"]
    process.send_signal(signal.SIGINT)
    assert process.wait(START_S) == 0
    process.communicate()
    assert processes_of(tmp_path) == []
    assert list((tmp_path / "tmp").glob("*/data/revela.db")), "its data are gone"


def test_a_demo_that_is_stopped_in_the_middle_leaves_nothing_running(tmp_path: Path) -> None:
    process = demo(tmp_path)
    until(lambda: any("worker.handler" in line for line in processes_of(tmp_path)))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=START_S)
    assert process.returncode != 0
    assert processes_of(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []
