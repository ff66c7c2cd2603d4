"""Every door by itself: what holds a file that the doors before it let pass.

Each bait is taken where all doors stand open, or it would prove nothing.
"""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from shared.errors import EncodeFailed, MediaCorrupt, MediaFormat
from shared.operations import add_audio as add_audio_contract
from shared.operations import caption as caption_contract
from shared.operations import img2vid as img2vid_contract
from tests import pictures
from tests.bad_inputs import hostile
from tests.bad_inputs.trap import SIDE, Trap, is_canary, shown, trap
from tests.shared.captions.written import srt
from tests.worker.media.clips import AAC, SOUND, make, usual
from tests.worker.operations.lone_item import LoneItem
from worker.context import CancelFlag
from worker.media import source
from worker.media.inspection.facts import facts
from worker.media.running import binary, confinement, launch, process
from worker.media.running.confinement import Reach
from worker.media.running.convert import convert
from worker.media.running.process import RunLimits
from worker.operations import add_audio, caption, img2vid

__all__ = ["trap"]

pytestmark = pytest.mark.slow

needs_kernel = pytest.mark.skipif(not launch.landlock_version(), reason="the kernel can't hold a process to its files")
MEDIA, OTHER = "https://media.example/clip.mp4", "https://media.example/voice.wav"


def unlisted(trap: Trap) -> bytes:
    """Return a movie in the colour of a canary, by a codec that nobody sends."""
    picture = ("-f", "lavfi", "-i", f"color=0xff00ff:s={SIDE}x{SIDE}:r=25:d=1")
    return make(trap.folder / "unlisted.mov", "-c:v", "qtrle", sources=picture).read_bytes()


BAITS: dict[str, tuple[str, Callable[[Trap], bytes]]] = {
    "format_whitelist": ("hls", lambda trap: hostile.playlist(trap.sibling.name)),
    "protocol_whitelist": (
        "hls",
        lambda trap: hostile.master(hostile.inline(hostile.playlist(f"file://{trap.sibling}"))),
    ),
    "codec_whitelist": ("mov", unlisted),
}
"""By the one door that is shut: the demuxer that a file is given to, and the file."""


def canary_in_frames(path: Path, *before: str) -> bool:
    """Whether the canary is seen in what ffmpeg decodes with these options; False where it refuses."""
    argv = [binary.find().path, "-nostdin", "-v", "error", *before, "-i", f"file:{path}"]
    argv += ["-map", "0:v:0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(argv, capture_output=True, timeout=30, check=False).stdout
    return bool(raw) and is_canary(np.frombuffer(raw, np.uint8).reshape(-1, 3))


def words(options: dict[str, str | int]) -> list[str]:
    """Return ffmpeg-python's options of an input as ffmpeg has them."""
    return [word for name, value in options.items() for word in (f"-{'f' if name == 'format' else name}", str(value))]


@pytest.mark.parametrize("door", BAITS)
def test_pyav_is_held_by_each_option_alone(trap: Trap, door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    demuxer, write = BAITS[door]
    path = trap.write(write(trap))
    assert shown(path, demuxer), "the bait is taken"
    trap.sprung()
    really_open = av.open

    def open_by_one_door(file: str, *, options: dict[str, str], **named: Any) -> Any:
        return really_open(file, options={door: options[door]} if door in options else {}, **named)

    monkeypatch.setattr(av, "open", open_by_one_door)
    with pytest.raises((MediaCorrupt, MediaFormat), match=r"can't be read|not taken"):
        facts(path, demuxer, CancelFlag())
    trap.sprung()  # a file may be opened to find out that it is not to be read


@pytest.mark.parametrize("door", BAITS)
def test_ffmpeg_is_held_by_each_option_alone(trap: Trap, door: str) -> None:
    demuxer, write = BAITS[door]
    path = trap.write(write(trap))
    assert canary_in_frames(path, "-f", demuxer), "the bait is taken"
    usual_source = source.open_media(usual(trap.folder / "usual.mp4"))
    options = replace(usual_source, path=path, demuxer=demuxer).arguments()
    assert not canary_in_frames(path, *words({name: options[name] for name in ("format", door) if name in options}))
    trap.sprung()


@needs_kernel
def test_ffmpeg_is_held_by_the_kernel_alone(trap: Trap) -> None:
    """A playlist of a file outside, and an address to fetch: neither is opened."""
    path = trap.write(hostile.playlist(f"file://{trap.outside}"))
    program, made = binary.find().path, trap.item / "out.yuv"
    for demuxer, media, canary in (("hls", f"file:{path}", trap.outside.name), ("mpegts", trap.url, "/segment.ts")):
        argv = [program, "-nostdin", "-v", "error", "-f", demuxer, "-i", media, "-f", "rawvideo", f"file:{made}"]
        subprocess.run(argv, capture_output=True, timeout=30, check=False)
        assert trap.sprung() == {canary}, "the bait is taken"
        made.unlink(missing_ok=True)
        with pytest.raises(EncodeFailed):
            reach, limits = Reach(reads=(path,), writes=(trap.item,)), RunLimits(30, 1 << 20)
            convert(argv, reach=reach, limits=limits, cancel=CancelFlag())
        assert trap.sprung() == set()


def test_no_command_opens_a_file_without_its_doors(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an operation starts: every file that was sent is opened by its demuxer, as that alone, and bounded."""
    started: list[Sequence[str]] = []

    def remember(argv: Sequence[str], *others: Any) -> list[str]:
        started.append(argv)
        return confinement.confined(argv, *others)

    monkeypatch.setattr(process, "confined", remember)
    for run in OPERATIONS.values():
        run(sent(trap))
    opened = [(options, media) for argv in started for options, media in inputs(argv) if str(trap.folder) in media]
    assert {media.rpartition("/")[2] for _, media in opened} >= {"source", "voice.wav", "music.m4a", "video.mp4"}
    for options, media in opened:
        assert options["-format_whitelist"] == options["-f"], media
        assert options["-protocol_whitelist"] == "file", media
        assert options["-codec_whitelist"], media
        assert media.endswith(".srt") or int(options["-max_pixels"]) == source.MAX_PIXELS, media


def sent(trap: Trap) -> LoneItem:
    """Return an item with a video, two sounds and a photo."""
    voice = make(trap.folder / "voice.wav", sources=SOUND)
    music = make(trap.folder / "music.m4a", *AAC, sources=("-f", "lavfi", "-i", "sine=f=440:r=48000:d=3"))
    photo = trap.folder / "photo.jpg"
    photo.write_bytes(pictures.photo(64, 64))
    others = {OTHER: voice, "https://media.example/music": music, "https://media.example/photo": photo}
    return LoneItem(usual(trap.item / "source.mp4").rename(trap.item / "source"), trap.item, others=others)


def _sound(item: LoneItem, **fields: Any) -> None:
    add_audio.run(add_audio_contract.Params.model_validate({"video": MEDIA, "audio": OTHER, **fields}), item)


def _caption(item: LoneItem, **fields: Any) -> None:
    asked = {"video": MEDIA, "subtitles": srt("Hello"), "quality": "draft", **fields}
    caption.run(caption_contract.Params.model_validate(asked), item)


def _photo(item: LoneItem) -> None:
    asked = {"image": "https://media.example/photo", "audio": OTHER, "duration_s": 0.5, "width": 64, "height": 64}
    img2vid.run(img2vid_contract.Params.model_validate(asked), item)


OPERATIONS: dict[str, Callable[[LoneItem], None]] = {
    "copy": lambda item: _sound(item, audio="https://media.example/music"),
    "replace": lambda item: _sound(item),
    "duck": lambda item: _sound(item, mode="duck", loudness_lufs=-16),
    "burn": lambda item: _caption(item),
    "soft": lambda item: _caption(item, mode="soft"),
    "preview": lambda item: _caption(item, preview_at_s=1),
    "photo": lambda item: _photo(item),
}


def inputs(argv: Sequence[str]) -> list[tuple[dict[str, str], str]]:
    """Return each input of a command, with the options that stand before it and after the one before."""
    found, begun = [], 1
    for at, word in enumerate(argv):
        if word == "-i":
            before = argv[begun:at]
            found.append(({name: before[n + 1] for n, name in enumerate(before[:-1])}, argv[at + 1]))
            begun = at + 2
    return found
