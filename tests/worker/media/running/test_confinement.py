"""What a confined ffmpeg can't do, on a kernel that holds it to that."""

import os
import sys
from pathlib import Path

import pytest

from shared.errors import EncodeFailed, MediaLimits, OutputTooLarge
from worker.context import CancelFlag
from worker.media.running import launch
from worker.media.running.confinement import Reach
from worker.media.running.convert import convert
from worker.media.running.process import RunLimits

pytestmark = pytest.mark.slow

PYTHON = os.path.realpath(sys.executable)
LIMITS = RunLimits(timeout_s=20, max_output_bytes=1 << 20, max_memory_bytes=200 << 20)
needs_kernel = pytest.mark.skipif(not launch.landlock_version(), reason="the kernel can't hold a process to its files")


def run(code: str, folder: Path, limits: RunLimits = LIMITS, reads: tuple[Path, ...] = ()) -> None:
    """Run Python in the place of ffmpeg: it can try more. It takes the words that `convert` adds for its own."""
    program = folder / "program"
    program.write_text(f"#!{PYTHON} -IS\n{code}\n")
    program.chmod(0o700)
    programs = (Path(sys.base_prefix), program)
    convert(
        [str(program)],
        reach=Reach(writes=(folder,), programs=programs, reads=reads),
        limits=limits,
        cancel=CancelFlag(),
    )


@needs_kernel
def test_only_its_own_files_can_be_read_and_written(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    canary, granted = other / "canary", other / "granted"
    canary.write_text("secret")
    granted.write_text("text")
    run(f"open({str(own / 'made')!r}, 'w').write(open({str(granted)!r}).read())", own, reads=(granted,))
    assert (own / "made").read_text() == "text"
    for attempt in (f"open({str(canary)!r})", "open('/etc/passwd')", f"open({str(other / 'new')!r}, 'w')"):
        with pytest.raises(EncodeFailed, match="PermissionError"):
            run(f"try: {attempt}\nexcept PermissionError: raise SystemExit('PermissionError')", own, reads=(granted,))
    with pytest.raises(EncodeFailed, match="PermissionError"):
        change = f"open({str(granted)!r}, 'a')"
        run(f"try: {change}\nexcept PermissionError: raise SystemExit('PermissionError')", own, reads=(granted,))
    assert sorted(path.name for path in other.iterdir()) == ["canary", "granted"]


@needs_kernel
def test_no_socket_can_be_opened(tmp_path: Path) -> None:
    for kind in ("AF_INET", "AF_INET6", "AF_UNIX"):
        with pytest.raises(EncodeFailed, match="PermissionError"):
            call = f"socket.socket(socket.{kind})"
            run(f"import socket\ntry: {call}\nexcept PermissionError: raise SystemExit('PermissionError')", tmp_path)


def test_too_much_memory_ends_it(tmp_path: Path) -> None:
    with pytest.raises(MediaLimits, match="200 MiB"):
        run("import time\nheld = b'x' * (300 << 20)\ntime.sleep(15)", tmp_path)


def test_too_large_a_file_ends_it(tmp_path: Path) -> None:
    with pytest.raises(OutputTooLarge):
        run(f"open({str(tmp_path / 'made')!r}, 'wb').write(bytes(2 << 20))", tmp_path)


def test_where_the_kernel_can_t_it_goes_on_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "other")
    assert not launch.landlock_version()
    assert not launch.confine_files([], [], [])
    assert not launch.forbid_calls()
