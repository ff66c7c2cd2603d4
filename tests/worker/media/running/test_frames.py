"""Running ffmpeg: how it ends, and that nothing is left of it."""

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from shared.errors import EncodeFailed, OutputTooLarge, WorkCancelled, WorkerDiskFull, WorkTimedOut
from worker.context import CancelFlag
from worker.media import encoder
from worker.media.running import binary
from worker.media.running.capture import capture
from worker.media.running.confinement import Reach
from worker.media.running.frames import Frame, feed
from worker.media.running.process import RunLimits
from worker.media.source import open_media

WIDTH, HEIGHT = 320, 180
GENEROUS = RunLimits(timeout_s=60, max_output_bytes=50 << 20)

pytestmark = pytest.mark.slow


class Noise:
    """Frames that no encoder can make small; drawing one takes `pause_s`."""

    frame_bytes = WIDTH * HEIGHT * 3 // 2

    def __init__(self, count: int, pause_s: float = 0.0) -> None:
        self._count, self._pause_s = count, pause_s
        self._random = np.random.default_rng(0)

    def __len__(self) -> int:
        return self._count

    def draw(self, index: int, frame: Frame) -> None:
        threading.Event().wait(self._pause_s)
        frame[:] = self._random.integers(0, 256, self.frame_bytes, np.uint8)


def command(target: Path, frames: int) -> list[str]:
    video = encoder.RawVideo(WIDTH, HEIGHT, 24, frames)
    return encoder.command(binary.find().path, video, target, {"vcodec": "libx264", "preset": "ultrafast"})


def children() -> set[int]:
    """Return the processes that this one started and that are not gone."""
    own = Path(f"/proc/{os.getpid()}/task")
    found: set[int] = set()
    for task in own.iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended since
            found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


@contextmanager
def nothing_left() -> Iterator[None]:
    before, threads = children(), threading.active_count()
    yield
    assert children() <= before
    assert threading.active_count() <= threads


def test_every_frame_arrives(tmp_path: Path) -> None:
    target, counts = tmp_path / "made.mp4", list[int]()
    with nothing_left():
        feed(
            command(target, 30),
            Noise(30),
            reach=Reach(writes=(tmp_path,)),
            limits=GENEROUS,
            cancel=CancelFlag(),
            on_frame=counts.append,
        )
    assert counts == list(range(1, 31))
    found = open_media(target).video
    assert (found.width, found.height, found.frames, found.duration_s) == (WIDTH, HEIGHT, 30, 30 / 24)


def test_a_cancel_ends_ffmpeg_soon(tmp_path: Path) -> None:
    cancel = CancelFlag()
    asked: list[float] = []

    def cancelling(done: int) -> None:
        if done == 5:
            cancel.set()
            asked.append(time.monotonic())

    with nothing_left(), pytest.raises(WorkCancelled):
        feed(
            command(tmp_path / "made.mp4", 10_000),
            Noise(10_000),
            reach=Reach(writes=(tmp_path,)),
            limits=GENEROUS,
            cancel=cancel,
            on_frame=cancelling,
        )
    assert time.monotonic() - asked[0] < 5


def test_a_cancel_is_heard_while_ffmpeg_takes_nothing(tmp_path: Path) -> None:
    cancel = CancelFlag()
    stuck = ["/bin/sh", "-c", "sleep 60 & sleep 60"]  # the second process shares the group
    timer = threading.Timer(0.3, cancel.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(WorkCancelled):
        feed(stuck, Noise(100), reach=Reach(writes=(tmp_path,)), limits=GENEROUS, cancel=cancel)
    assert time.monotonic() - began < 10, "it would have slept for 60 s"
    timer.join()


def test_the_whole_group_is_killed(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    stuck = ["/bin/sh", "-c", f"sleep 60 & echo $! > {noted}.new; mv {noted}.new {noted}; sleep 60"]
    cancel = CancelFlag()

    def when_noted(_: int) -> None:
        if noted.exists():
            cancel.set()

    with pytest.raises((WorkCancelled, WorkTimedOut)):
        feed(
            stuck,
            Noise(4, 0.3),
            reach=Reach(writes=(tmp_path,)),
            limits=RunLimits(15, 1 << 20),
            cancel=cancel,
            on_frame=when_noted,
        )
    grandchild = Path(f"/proc/{int(noted.read_text())}/stat")
    for _ in range(100):
        if not grandchild.exists() or ") Z " in grandchild.read_text():
            return
        threading.Event().wait(0.02)
    pytest.fail("a process of the group lives on")


def test_the_wall_clock_ends_it(tmp_path: Path) -> None:
    limits = RunLimits(timeout_s=0.5, max_output_bytes=50 << 20)
    began = time.monotonic()
    with nothing_left(), pytest.raises(WorkTimedOut, match=r"0\.5 s"):
        feed(
            command(tmp_path / "made.mp4", 10_000),
            Noise(10_000),
            reach=Reach(writes=(tmp_path,)),
            limits=limits,
            cancel=CancelFlag(),
        )
    assert time.monotonic() - began < 10


def test_a_full_disk_is_worker_disk_full(tmp_path: Path) -> None:
    full = tmp_path / "made.mp4"
    full.symlink_to("/dev/full")
    with nothing_left(), pytest.raises(WorkerDiskFull):
        feed(
            command(full, 60),
            Noise(60),
            reach=Reach(writes=(tmp_path, Path("/dev/full"))),
            limits=GENEROUS,
            cancel=CancelFlag(),
        )


def test_an_output_over_its_limit_is_output_too_large(tmp_path: Path) -> None:
    target = tmp_path / "made.mp4"
    limits = RunLimits(timeout_s=60, max_output_bytes=300_000)
    with nothing_left(), pytest.raises(OutputTooLarge):
        feed(command(target, 200), Noise(200), reach=Reach(writes=(tmp_path,)), limits=limits, cancel=CancelFlag())
    assert target.stat().st_size <= 300_000


def test_an_early_death_says_why_without_paths(tmp_path: Path) -> None:
    with nothing_left(), pytest.raises(EncodeFailed) as failed:
        feed(
            command(tmp_path / "none" / "made.mp4", 500),
            Noise(500),
            reach=Reach(writes=(tmp_path,)),
            limits=GENEROUS,
            cancel=CancelFlag(),
        )
    assert "No such file or directory" in failed.value.detail
    assert str(tmp_path) not in failed.value.detail


def test_a_binary_that_is_none_is_encode_failed(tmp_path: Path) -> None:
    with pytest.raises(EncodeFailed):
        feed([str(tmp_path / "none")], Noise(1), reach=Reach(writes=(tmp_path,)), limits=GENEROUS, cancel=CancelFlag())
    with pytest.raises(EncodeFailed):
        capture([str(tmp_path / "none")])


def test_ffmpeg_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNPOD_API_KEY", "canary")
    assert "canary" not in capture(["/usr/bin/env"])
    assert "PATH=" in capture(["/usr/bin/env"])


def test_drawing_goes_on_while_ffmpeg_encodes(tmp_path: Path) -> None:
    """With a slow reader, frames ahead are drawn already: one in the pipe, one waiting, one in work."""
    drawn: list[float] = []
    reader = ["/bin/sh", "-c", f"sleep 2; head -c {Noise.frame_bytes * 6} > /dev/null"]
    began = time.monotonic()
    feed(
        reader,
        Noise(6),
        reach=Reach(writes=(tmp_path,)),
        limits=GENEROUS,
        cancel=CancelFlag(),
        on_frame=lambda _: drawn.append(time.monotonic() - began),
    )
    assert len(list(itertools.takewhile(lambda at: at < 1.9, drawn))) >= 3
