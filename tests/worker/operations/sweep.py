"""``python -m tests.worker.operations.sweep FOLDER``: each of your files through every operation that is for it.

A line for each run: the file, the operation, the seconds, and either what was made or the error's code and detail. All
that is made is decoded to its end. The exit status is 1 where an operation raised what is no JobError, or made what
can't be decoded.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import JobError
from shared.media.facts import MediaFacts
from shared.uploads.media_types import HEAD_BYTES, MEDIA_TYPES
from tests.shared.captions.written import srt
from tests.worker.media.clips import make, usual
from tests.worker.operations.lone_item import LoneItem
from worker.media.running import binary
from worker.media.source import open_media
from worker.registry import Registry, RunnableOperation

FILE, OTHER = "https://media.example/file", "https://media.example/other"
VOICE = ("-f", "lavfi", "-i", "sine=f=440:r=44100:d=3,volume=0.5")
TEXT = srt("Hello", "A second line", "مرحبا 😀")
SOUNDS: Mapping[str, Mapping[str, Any]] = {
    "replace": {},
    "mix": {"mode": "mix"},
    "duck": {"mode": "duck"},
    "loudness": {"loudness_lufs": -16, "duration": "shortest"},
}
CAPTIONS: Mapping[str, Mapping[str, Any]] = {"burn": {}, "soft": {"mode": "soft"}, "preview": {"preview_at_s": 1}}


@dataclass(frozen=True)
class Run:
    """One operation on the file, and what is asked of it; `other` is what OTHER stands for."""

    name: str
    operation: str
    params: Mapping[str, Any]
    other: Path


class NotDecoded(Exception):
    """What was made can't be decoded."""


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    return sweep(parser.parse_args().folder, Registry.discover())


def sweep(folder: Path, registry: Registry) -> int:
    """Try all files of the folder; print how each run ended, and return 1 where one did as it must not, else 0."""
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="revela-sweep-") as name:
        others = Path(name)
        voice, video = make(others / "voice.wav", sources=VOICE), usual(others / "video.mp4")
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            for run in _runs(path, voice, video):
                begun_s = time.monotonic()
                end, told = _ended(path, run, registry)
                ends[end] += 1
                print(f"{path.name}  {run.name}  {time.monotonic() - begun_s:.1f} s  {told}", flush=True)
    print(", ".join(f"{count} {end}" for end, count in ends.most_common()))
    return int(ends["failed"] > 0)


def _runs(path: Path, voice: Path, video: Path) -> Iterator[Run]:
    """Yield what the file is for; one that can't be opened is tried with all, so that each says why."""
    yield Run("probe", "probe", {"media": FILE}, voice)
    moves, sounds, stands = _kinds(path)
    for name, asked in SOUNDS.items():
        if moves:
            yield Run(f"add_audio {name}, as video", "add_audio", {"video": FILE, "audio": OTHER, **asked}, voice)
        if sounds:
            yield Run(f"add_audio {name}, as sound", "add_audio", {"video": OTHER, "audio": FILE, **asked}, video)
    for name, asked in CAPTIONS.items():
        if moves:
            yield Run(f"caption {name}", "caption", {"video": FILE, "subtitles": TEXT, **asked}, voice)
    if stands:
        yield Run("img2vid", "img2vid", {"image": FILE, "duration_s": 1}, voice)
        yield Run("img2vid with sound", "img2vid", {"image": FILE, "audio": OTHER, "duration_s": 1}, voice)


def _kinds(path: Path) -> tuple[bool, bool, bool]:
    """Return whether the file is for operations on videos, on sounds, and on pictures."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if any(kind.begins(head) for name, kind in MEDIA_TYPES.items() if name.startswith("image/")):
        return False, False, True
    try:
        facts = open_media(path).facts
    except Exception:  # noqa: BLE001 - the runs find it again, and say it
        return True, True, True
    return bool(facts.video), bool(facts.audio), False


def _ended(path: Path, run: Run, registry: Registry) -> tuple[str, str]:
    """Return how it ended, in one word, and what is told of that."""
    try:
        return "ok", f"ok {_made(path, run, registry[run.operation])}"
    except JobError as refused:
        return refused.code, f"{refused.code}: {refused.detail}"
    except NotDecoded as failure:
        return "failed", f"what was made can't be decoded: {failure}"
    except Exception:  # noqa: BLE001 - this is what is looked for
        return "failed", f"raised\n{traceback.format_exc()}"


def _made(path: Path, run: Run, operation: RunnableOperation) -> str:
    """Run the operation and decode what it made; return what that is. JobError, NotDecoded, and whatever else."""
    with tempfile.TemporaryDirectory(prefix="revela-sweep-") as folder:
        item = LoneItem(path, Path(folder), threads=os.cpu_count() or 1, others={OTHER: run.other})
        params = operation.contract.params.model_validate(run.params)
        result: Any = operation.run(params, item)
        slots = operation.contract.slots(params)
        if not slots:
            return _found(result.facts)
        [slot] = slots
        decoded, facts = decoded_frames(item.output(slot.name)), getattr(result, slot.name)
        told = getattr(facts, "frames", 1)
        return f"{facts.width}x{facts.height} {decoded} frames{f' of {told}' if decoded != told else ''}"


def _found(facts: MediaFacts) -> str:
    sizes = [f"{track.width}x{track.height} {track.frames} frames {track.codec}" for track in facts.video]
    return ", ".join([*sizes, *(f"{track.duration_s:.1f} s {track.codec}" for track in facts.audio)])


def decoded_frames(path: Path) -> int:
    """Decode all pictures and sounds of a file; return how many frames there are. NotDecoded at the first fault."""
    argv = [binary.find().path, "-nostdin", "-v", "error", "-xerror", "-progress", "pipe:1", "-i", f"file:{path}"]
    argv += ["-map", "0:v", "-map", "0:a?", "-fps_mode", "passthrough", "-enc_time_base:v", "demux", "-f", "null", "-"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
    counts = [int(line.removeprefix("frame=")) for line in done.stdout.splitlines() if line.startswith("frame=")]
    if done.returncode or done.stderr or not any(counts):
        raise NotDecoded(done.stderr.strip() or "there is no frame")
    return counts[-1]


if __name__ == "__main__":
    sys.exit(main())
