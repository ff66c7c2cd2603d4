"""Hostile media, cases B19, B23, B25 to B30 and B37: each has its code, no other file is read, nobody is called.

`test_doors.py` shows that each of the layers that see to this holds by itself.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from shared.errors import JobError
from shared.media.facts import MediaFacts
from shared.operations.add_audio import Params as SoundParams
from shared.operations.probe import Params
from tests.bad_inputs import hostile
from tests.bad_inputs.trap import Trap, is_canary, shown, trap
from tests.worker.media.clips import SOUND, make, usual
from tests.worker.media.decoding import frames
from tests.worker.operations.lone_item import LoneItem
from worker.context import CancelFlag
from worker.media import source
from worker.media.running import binary
from worker.media.running.confinement import Reach
from worker.media.running.convert import convert
from worker.media.running.process import RunLimits
from worker.operations import add_audio, probe

__all__ = ["trap"]

pytestmark = pytest.mark.slow

MEDIA, OTHER = "https://media.example/clip.mp4", "https://media.example/voice.wav"


def looked_into(trap: Trap, path: Path) -> MediaFacts:
    """Return what probe tells of it."""
    return probe.run(Params.model_validate({"media": MEDIA}), LoneItem(path, trap.item)).facts


def with_sound(trap: Trap, path: Path) -> Path:
    """Return the video with another sound."""
    item = LoneItem(path, trap.item, others={OTHER: make(trap.folder / "voice.wav", sources=SOUND)})
    add_audio.run(SoundParams.model_validate({"video": MEDIA, "audio": OTHER}), item)
    return item.output("video")


def refusal(trap: Trap, path: Path) -> str:
    """Have the file looked into, and worked on; return the code that both end with."""
    codes = set()
    for attempt in (looked_into, with_sound):
        with pytest.raises(JobError) as refused:
            attempt(trap, path)
        assert str(trap.folder) not in refused.value.detail
        codes.add(refused.value.code)
    [code] = codes
    return code


TEXTS: dict[str, Callable[[Trap], bytes]] = {
    "B25 playlist of a file": lambda trap: hostile.playlist(f"file://{trap.outside}"),
    "B25 playlist of a sibling": lambda trap: hostile.playlist(trap.sibling.name),
    "B25 playlist of an address": lambda trap: hostile.playlist(trap.url),
    "B25 master playlist": lambda trap: hostile.master(trap.url),
    "B25 playlist in a playlist": lambda trap: hostile.master(
        hostile.inline(hostile.playlist(f"file://{trap.outside}"))
    ),
    "B26 concat of a sibling": lambda trap: hostile.concat(trap.sibling.name),
    "B26 concat of a file": lambda trap: hostile.concat(str(trap.outside)),
    "B26 concat of an address": lambda trap: hostile.concat(trap.url),
    "B27 DASH": lambda trap: hostile.dash(trap.sibling.name),
    "B27 DASH of an address": lambda trap: hostile.dash(trap.url),
    "B27 SDP": lambda trap: hostile.session("127.0.0.1", trap.port),
    "B27 IMF": lambda trap: hostile.composition(f"file://{trap.outside}"),
    "B27 RTSP": lambda trap: f"rtsp://127.0.0.1:{trap.port}/stream\n".encode(),
    "B23 SVG": lambda trap: f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{trap.url}"/></svg>'.encode(),
    "B23 PDF": lambda _: b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n",
    "B19 page": lambda _: b"<!doctype html><title>Not found</title>",
}


@pytest.mark.parametrize("case", TEXTS)
def test_b25_b26_b27_text_that_names_other_media_is_no_media(trap: Trap, case: str) -> None:
    assert refusal(trap, trap.write(TEXTS[case](trap))) == "media-format"


WRAPPED: dict[str, Callable[[Trap], bytes]] = {
    "a playlist": lambda trap: hostile.playlist(trap.url, f"file://{trap.outside}", trap.sibling.name),
    "a concat list": lambda trap: hostile.concat(trap.sibling.name),
    "subtitles": lambda _: b"1\n00:00:00,000 --> 00:00:01,000\nHello\n\n2\n00:00:02,000 --> 00:00:03,000\nBye\n\n",
}


@pytest.mark.parametrize("case", WRAPPED)
def test_b27_what_an_avi_holds_as_its_subtitles_is_not_opened(trap: Trap, case: str) -> None:
    """The video is good and is worked on as any other; FFmpeg by itself would open what is inside, as SRT does show."""
    path = trap.write(hostile.avi_with_subtitles(WRAPPED[case](trap), hostile.jpeg(trap.folder, 64), 64))
    with av.open(f"file:{path}", format="avi") as container:
        [next(container.demux()) for _ in range(3)]
        inside = container.streams.subtitles[0].codec_context
    assert (inside and inside.name) == ("srt" if case == "subtitles" else None), "the bait is taken"
    facts = looked_into(trap, path)
    assert (facts.video[0].codec, facts.video[0].frames) == ("mjpeg", 3)
    assert facts.subtitles == []
    assert frames(with_sound(trap, path), 64, 64).shape[0] == 3


FORGED = {
    "B29 no streams": (hostile.mp4_without_streams, "media-limits"),
    "B37 255 channels": (lambda: hostile.wav(255, 8000), "media-limits"),
    "B37 1 Hz": (lambda: hostile.wav(1, 1), "media-limits"),
    "B37 10 MHz": (lambda: hostile.wav(1, 10_000_000), "media-limits"),
}


@pytest.mark.parametrize("case", FORGED)
def test_b29_b37_what_a_head_claims_is_held_to_limits(trap: Trap, case: str) -> None:
    content, code = FORGED[case]
    with pytest.raises(JobError) as refused:
        looked_into(trap, trap.write(content()))
    assert refused.value.code == code


def test_b29_a_hundred_hours_are_refused(trap: Trap) -> None:
    assert refusal(trap, hostile.hundred_hours(trap.item)) == "media-limits"


def test_b29_what_begins_long_before_zero_is_refused(trap: Trap) -> None:
    assert refusal(trap, hostile.begins_early(trap.item)) == "media-limits"


def test_b29_what_begins_after_weeks_is_refused(trap: Trap) -> None:
    assert refusal(trap, hostile.begins_late(trap.item)) == "media-limits"


def test_b30_samples_in_another_file_are_not_fetched(trap: Trap) -> None:
    other = make(trap.item / "other.mp4", "-c", "copy", sources=("-i", str(trap.outside)))
    path = trap.write(hostile.with_foreign_data(other))
    trap.sprung()
    trap.watch(other)
    with av.open(f"file:{path}", options={"enable_drefs": "1"}) as container:
        assert is_canary(next(container.decode(video=0)).to_ndarray(format="rgb24")), "the bait is taken"
    assert trap.sprung() == {"other.mp4"}
    assert refusal(trap, path) == "media-corrupt"


def test_b37_sound_is_measured_and_not_believed(trap: Trap) -> None:
    """Recorders that write into a pipe claim 4 GB, too: what is there is taken for what it is."""
    facts = looked_into(trap, trap.write(hostile.wav(2, 8000, claimed_bytes=2**32 - 1)))
    assert facts.duration_s == pytest.approx(4000 / 4 / 8000, abs=0.01)


def test_b30_attachments_stay_where_they_are(trap: Trap) -> None:
    assert refusal(trap, hostile.many_attachments(trap.item)) == "media-limits"
    path = hostile.one_attachment(trap.item, "../../escaped.ttf")
    before = sorted(trap.folder.parent.rglob("*"))
    found = source.open_media(path)
    assert found.facts.other_streams == 1
    decode(trap, found, trap.item / "out.yuv")
    assert sorted(trap.folder.parent.rglob("*")) == sorted([*before, trap.item / "out.yuv"])


def test_b28_pictures_that_become_8k_in_the_middle_are_not_decoded(trap: Trap) -> None:
    """The file has 25 small frames, and two large ones that nobody allocates."""
    found = source.open_media(hostile.grows(trap.item))
    assert found.video.frames == 27
    decode(trap, found, trap.item / "out.yuv")
    assert (trap.item / "out.yuv").stat().st_size == 25 * 320 * 180 * 3 // 2


def decode(trap: Trap, found: source.Source, target: Path) -> None:
    """Decode the pictures by ffmpeg, with the options that every operation gives it."""
    before = [word for name, value in found.arguments().items() for word in (f"-{_flag(name)}", str(value))]
    argv = [binary.find().path, "-nostdin", "-v", "error", *before, "-i", f"file:{found.path}", "-map", "0:v:0"]
    convert(
        [*argv, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "320x180", f"file:{target}"],
        reach=Reach(reads=(found.path,), writes=(trap.item,)),
        limits=RunLimits(60, 200 << 20),
        cancel=CancelFlag(),
    )


def _flag(name: str) -> str:
    return "f" if name == "format" else name


MEASURED = """
import resource, sys
from pathlib import Path
from shared.errors import JobError
from shared.operations import {operation} as contract
from tests.worker.operations.lone_item import LoneItem
from worker.operations import {operation}
item = LoneItem(Path(sys.argv[1]), Path(sys.argv[1]).parent)
try:
    {operation}.run(contract.Params.model_validate({params}), item)
    print("done")
except JobError as refused:
    print(refused.code)
own = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(own.split()[1]) >> 10, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
"""


def cost(path: Path, operation: str, **params: Any) -> tuple[str, int]:
    """Return how the work on a file ends, and the most MiB that it or a process that it starts takes."""
    code = MEASURED.format(operation=operation, params=params)
    told = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=True, text=True)
    end, own_mib, children_mib = told.stdout.split()
    return end, max(int(own_mib), int(children_mib))


def test_b28_frames_that_become_8k_take_no_memory(trap: Trap) -> None:
    path = hostile.grows(trap.item)
    end, most_mib = cost(path, "caption", video=MEDIA, subtitles="1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    assert end in ("done", "media-too-large")
    assert most_mib < 180, "two frames of 8K take 295 MiB, none of them 89"


def test_b28_a_frame_of_12000_by_12000_is_refused_before_it_is_decoded(trap: Trap) -> None:
    end, most_mib = cost(hostile.vast(trap.item), "probe", media=MEDIA)
    assert end == "media-too-large"
    assert most_mib < 180, "the frame alone takes 206 MiB"


def test_the_trap_sees_who_reads_and_who_calls(trap: Trap) -> None:
    assert trap.sprung() == set()
    assert shown(trap.sibling)
    assert not shown(usual(trap.item / "video.mp4"))
    subprocess.run([binary.find().path, "-v", "quiet", "-i", trap.url], capture_output=True, check=False)
    assert trap.sprung() == {trap.sibling.name, "/segment.ts"}
