"""Hostile media, cases B20 to B30 and B37: each has its code, no other file is read, nobody is called.

A canary lies beside every file, and a loopback sink counts who comes.
"""

import http.server
import random
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.errors import EncodeFailed, JobError, MediaLimits
from shared.operations.add_audio import Params as SoundParams
from shared.operations.probe import Params
from tests.bad_inputs import hostile
from tests.worker.media.clips import AAC, H264, SOUND, make, usual
from tests.worker.operations.lone_item import LoneItem
from worker.context import CancelFlag
from worker.media import source
from worker.media.inspection.facts import facts
from worker.media.running import binary
from worker.media.running.confinement import Reach
from worker.media.running.convert import convert
from worker.media.running.process import RunLimits
from worker.operations import add_audio, probe

pytestmark = pytest.mark.slow

MEDIA, OTHER = "https://media.example/clip.mp4", "https://media.example/voice.wav"
CANARY = b"canary-7f3a91-must-not-be-read"


@dataclass(frozen=True)
class Trap:
    """A folder with a canary in it, beside the files under test, and a server that nobody may call."""

    folder: Path
    item: Path
    port: int
    calls: list[str]

    @property
    def url(self) -> str:
        """Where the sink is."""
        return f"http://127.0.0.1:{self.port}/segment.ts"

    def write(self, content: bytes) -> Path:
        """Store what a stranger sent, under the name that the worker gives it."""
        path = self.item / "source"
        path.write_bytes(content)
        return path


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    """Yield the trap, and look at its end whether it was sprung."""
    calls: list[str] = []

    class Sink(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    item = tmp_path / "item"
    item.mkdir()
    usual(tmp_path / "other.mp4")
    (tmp_path / "canary.txt").write_bytes(CANARY)
    (item / "sibling.txt").write_bytes(CANARY)
    try:
        yield Trap(tmp_path, item, server.server_port, calls)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert calls == [], "somebody called"
    for path in tmp_path.rglob("video.mp4"):
        assert CANARY not in path.read_bytes()


def refusal(trap: Trap, path: Path) -> str:
    """Have the file looked into, and worked on; return the code that both end with."""
    codes = set()
    voice = make(trap.folder / "voice.wav", sources=SOUND)
    item = LoneItem(path, trap.item, others={OTHER: voice})
    for attempt in (
        lambda: probe.run(Params.model_validate({"media": MEDIA}), item),
        lambda: add_audio.run(SoundParams.model_validate({"video": MEDIA, "audio": OTHER}), item),
    ):
        with pytest.raises(JobError) as refused:
            attempt()
        assert str(trap.folder) not in refused.value.detail
        codes.add(refused.value.code)
    [code] = codes
    return code


TEXTS: dict[str, Callable[[Trap], bytes]] = {
    "B25 playlist of a file": lambda trap: hostile.playlist(f"file://{trap.folder}/other.mp4"),
    "B25 playlist of a sibling": lambda _: hostile.playlist("../other.mp4"),
    "B25 playlist of an address": lambda trap: hostile.playlist(trap.url),
    "B25 master playlist": lambda trap: hostile.master(trap.url),
    "B26 concat of a sibling": lambda _: hostile.concat("../other.mp4"),
    "B26 concat of a file": lambda trap: hostile.concat(f"{trap.folder}/other.mp4"),
    "B26 concat of an address": lambda trap: hostile.concat(trap.url),
    "B27 DASH": lambda trap: hostile.dash(trap.url),
    "B27 SDP": lambda trap: hostile.session("127.0.0.1", trap.port),
    "B27 IMF": lambda trap: hostile.composition(f"file://{trap.folder}/other.mp4"),
    "B27 RTSP": lambda trap: f"rtsp://127.0.0.1:{trap.port}/stream\n".encode(),
    "B23 SVG": lambda trap: f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{trap.url}"/></svg>'.encode(),
    "B23 PDF": lambda _: b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n",
    "B19 page": lambda _: b"<!doctype html><title>Not found</title>",
}


@pytest.mark.parametrize("case", TEXTS)
def test_b25_b26_b27_text_that_names_other_media_is_no_media(trap: Trap, case: str) -> None:
    assert refusal(trap, trap.write(TEXTS[case](trap))) == "media-format"


def test_b27_an_avi_can_not_hold_a_playlist_as_its_subtitles(trap: Trap) -> None:
    path = trap.write(hostile.avi_with_subtitles(hostile.playlist(trap.url, f"file://{trap.folder}/other.mp4")))
    with suppress(JobError):
        probe.run(Params.model_validate({"media": MEDIA}), LoneItem(path, trap.item))


FORGED = {
    "B29 no streams": (hostile.mp4_without_streams, {"media-limits", "media-corrupt"}),
    "B37 255 channels": (lambda: hostile.wav(255, 8000), {"media-limits", "media-corrupt"}),
    "B37 1 Hz": (lambda: hostile.wav(1, 1), {"media-limits", "media-corrupt"}),
    "B37 10 MHz": (lambda: hostile.wav(1, 10_000_000), {"media-limits", "media-corrupt"}),
}


@pytest.mark.parametrize("case", FORGED)
def test_b29_b37_what_a_head_claims_is_held_to_limits(trap: Trap, case: str) -> None:
    content, codes = FORGED[case]
    with pytest.raises(JobError) as refused:
        probe.run(Params.model_validate({"media": MEDIA}), LoneItem(trap.write(content()), trap.item))
    assert refused.value.code in codes


def test_b29_a_hundred_hours_are_refused(trap: Trap) -> None:
    assert refusal(trap, hostile.hundred_hours(trap.item)) == "media-limits"


def test_b29_what_begins_long_before_zero_is_refused(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    path = usual(trap.item / "source.mp4")
    found, clock = facts(path, "mov", CancelFlag())
    early = found.model_copy(update={"video": [found.video[0].model_copy(update={"start_s": -100.0})]})
    monkeypatch.setattr(source, "facts", lambda *_, **__: (early, clock))
    with pytest.raises(MediaLimits, match="-100 s"):
        source.open_media(path)


def test_b30_samples_in_another_file_are_not_fetched(trap: Trap) -> None:
    content = hostile.with_foreign_data(trap.item, f"{trap.folder}/other.mp4")
    assert b"alis" in content
    assert refusal(trap, trap.write(content)) == "media-corrupt"


def test_b37_sound_is_measured_and_not_believed(trap: Trap) -> None:
    """Recorders that write into a pipe claim 4 GB, too: what is there is taken for what it is."""
    path = trap.write(hostile.wav(2, 8000, claimed_bytes=2**32 - 1))
    facts = probe.run(Params.model_validate({"media": MEDIA}), LoneItem(path, trap.item)).facts
    assert facts.duration_s == pytest.approx(4000 / 4 / 8000, abs=0.01)


def test_b30_attachments_stay_where_they_are(trap: Trap) -> None:
    assert refusal(trap, hostile.many_attachments(trap.item)) == "media-limits"
    path = hostile.one_attachment(trap.item, "../../escaped.ttf")
    before = sorted(trap.folder.rglob("*"))
    found = source.open_media(path)
    assert found.facts.other_streams == 1
    decode(trap, found, trap.item / "out.yuv")
    assert sorted(trap.folder.rglob("*")) == sorted([*before, trap.item / "out.yuv"])


def test_b28_pictures_that_become_8k_in_the_middle_cost_bounded_memory(trap: Trap) -> None:
    found = source.open_media(hostile.grows(trap.item))
    with suppress(EncodeFailed, MediaLimits):
        decode(trap, found, trap.item / "out.yuv", max_memory_bytes=600 << 20)


def decode(trap: Trap, found: source.Source, target: Path, max_memory_bytes: int = 1 << 30) -> None:
    """Decode the pictures by ffmpeg, with the options that every operation gives it."""
    before = [word for name, value in found.arguments().items() for word in (f"-{_flag(name)}", str(value))]
    argv = [binary.find().path, "-nostdin", "-v", "error", *before, "-i", f"file:{found.path}", "-map", "0:v:0"]
    convert(
        [*argv, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "320x180", f"file:{target}"],
        reach=Reach(reads=(found.path,), writes=(trap.item,)),
        limits=RunLimits(60, 200 << 20, max_memory_bytes),
        cancel=CancelFlag(),
    )


def _flag(name: str) -> str:
    return "f" if name == "format" else name


@pytest.mark.timeout(120)
def test_a_hundred_damaged_files_in_a_row_leave_everything_in_order(trap: Trap) -> None:
    """Whatever is flipped or cut, it works or has a code; afterwards a good file is worked on as ever."""
    voice = make(trap.folder / "voice.wav", sources=SOUND)
    kinds = {"mp4": (*H264, *AAC), "mkv": (*H264, *AAC), "avi": ("-c:v", "mpeg4", *AAC), "ts": (*H264, *AAC)}
    wholes = [make(trap.folder / f"good.{kind}", *words).read_bytes() for kind, words in kinds.items()]
    chance = random.Random(7)
    ends: Counter[str] = Counter()
    before = threading.active_count()
    for n in range(100):
        damaged = bytearray(wholes[n % len(wholes)])
        for _ in range(chance.choice((1, 20, 400))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        content = bytes(damaged[: chance.choice((None, len(damaged) // 2, 3000))])
        item = LoneItem(trap.write(content), trap.item, others={OTHER: voice})
        try:
            if n % 4:
                probe.run(Params.model_validate({"media": MEDIA}), item)
            else:
                add_audio.run(SoundParams.model_validate({"video": MEDIA, "audio": OTHER}), item)
            ends["done"] += 1
        except JobError as refused:
            ends[refused.code] += 1
    assert ends["done"] > 10, ends
    assert ends["media-corrupt"] > 10, ends
    item = LoneItem(usual(trap.item / "good.mp4"), trap.item, others={OTHER: voice})
    made = add_audio.run(SoundParams.model_validate({"video": MEDIA, "audio": OTHER}), item)
    assert made.video.frames == 50
    assert threading.active_count() <= before


def test_a_socket_is_what_the_sink_would_have_seen(trap: Trap) -> None:
    """The trap itself works: who calls is seen."""
    with socket.create_connection(("127.0.0.1", trap.port)) as call:
        call.sendall(b"GET /seen HTTP/1.0\r\n\r\n")
        call.recv(100)
    assert trap.calls == ["/seen"]
    trap.calls.clear()
