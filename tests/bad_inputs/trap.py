"""A trap for media that names other files or addresses: canaries that tell when they are opened, and a sink.

The canaries are videos of one colour, so that what gets out of them into frames is seen there, too.
"""

import ctypes
import http.server
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.worker.media.clips import H264, make

COLOUR = (255, 0, 255)
SIDE = 64
"""Of the canaries, in pixels; no other clip here is so small."""
_PICTURE = ("-f", "lavfi", "-i", f"color=0xff00ff:s={SIDE}x{SIDE}:r=25:d=2")
_OPENED = 0x20
"""inotify(7), IN_OPEN."""
_EVENT = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Trap:
    """A folder with an item's folder in it, and canaries in both; and a server that nobody may call."""

    folder: Path
    item: Path
    port: int
    calls: list[str]
    _watch: int
    _watched: dict[int, str] = field(default_factory=dict)

    @property
    def outside(self) -> Path:
        """The canary beside the item's folder."""
        return self.folder / "outside.ts"

    @property
    def sibling(self) -> Path:
        """The canary beside the file under test."""
        return self.item / "sibling.ts"

    @property
    def url(self) -> str:
        """Where the sink is."""
        return f"http://127.0.0.1:{self.port}/segment.ts"

    def write(self, content: bytes) -> Path:
        """Store what a stranger sent, under the name that the worker gives it."""
        path = self.item / "source"
        path.write_bytes(content)
        return path

    def watch(self, path: Path) -> Path:
        """Make this file a canary, too; return it."""
        descriptor = _libc.inotify_add_watch(self._watch, os.fsencode(path), _OPENED)
        assert descriptor > 0, os.strerror(ctypes.get_errno())
        self._watched[descriptor] = path.name
        return path

    def sprung(self) -> set[str]:
        """Return which canaries were opened and what was asked of the sink since the last call."""
        seen = {*self.calls}
        self.calls.clear()
        try:
            events = os.read(self._watch, 1 << 16)
        except BlockingIOError:
            return seen
        return seen | {self._watched[descriptor] for descriptor, *_ in _EVENT.iter_unpack(events)}


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    """Yield the trap, and look at its end whether it was sprung, and for the canary in videos that were made."""
    calls: list[str] = []
    watch = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    item = tmp_path / "item"
    item.mkdir()
    with _sink(calls) as port:
        made = Trap(tmp_path, item, port, calls, watch)
        for path in (made.outside, made.sibling):
            made.watch(make(path, *H264, "-muxdelay", "0", sources=_PICTURE))
        yield made
    found = made.sprung()
    os.close(watch)
    assert found == set(), "somebody opened these or called there"
    assert [path.name for path in tmp_path.rglob("video.mp4") if shown(path)] == []


@contextmanager
def _sink(calls: list[str]) -> Iterator[int]:
    class Sink(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def shown(path: Path, demuxer: str | None = None) -> bool:
    """Whether a canary is in any frame of a file, read by PyAV with all doors open; False where it has no frame."""
    try:
        with av.open(f"file:{path}", format=demuxer) as container:
            return any(is_canary(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0))
    except (av.error.FFmpegError, IndexError):
        return False


def is_canary(pixels: NDArray[Any]) -> bool:
    """Whether most of the pixels, shape (…, 3), have the canaries' colour."""
    near = np.abs(pixels.astype(int) - COLOUR).max(axis=-1) < 24
    return bool(near.mean() > 0.5)
