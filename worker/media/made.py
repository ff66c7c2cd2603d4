"""What was made, looked into: an encoder's good exit is no proof, one that ran short of memory may leave frames out."""

from dataclasses import dataclass
from pathlib import Path

from shared.errors import JobError, OutputInvalid, WorkCancelled, WorkTimedOut
from worker.media.source import Source, open_media

TOLERANCE_S = 0.1
"""What nobody sees or hears at the end of a video, some two frames or four packets of AAC."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a video has to be."""

    size: tuple[int, int]
    frames: tuple[int, int]
    """At least and at most."""
    length_s: float
    """Of the pictures."""
    sounds: int
    tolerance_s: float = TOLERANCE_S
    sound_s: float | None = None
    """Length of the sound; None where it follows from what was sent."""
    texts: int = 0
    codec: str | None = None
    pixel_format: str | None = None


def verified(path: Path, ordered: Ordered) -> Source:
    """Return the video at `path` if it is as ordered, else raise OutputInvalid."""
    try:
        made = open_media(path)
    except (WorkCancelled, WorkTimedOut):
        raise
    except JobError as failure:
        raise OutputInvalid(f"The video that was made can't be read back: {failure.detail}") from failure
    if wrong := _wrong(made, ordered):
        raise OutputInvalid(f"The video that was made is not as ordered: {', '.join(wrong)}.")
    return made


def _wrong(made: Source, ordered: Ordered) -> list[str]:
    if len(made.facts.video) != 1:
        return [f"{len(made.facts.video)} videos"]
    found, audio = made.video, made.audio
    sound_s = audio.duration_s if audio else 0.0
    checks = {
        f"{found.width}×{found.height} pixels": (found.width, found.height) != ordered.size,
        f"{found.codec}, not {ordered.codec}": ordered.codec not in (None, found.codec),
        f"{found.pixel_format}, not {ordered.pixel_format}": ordered.pixel_format not in (None, found.pixel_format),
        f"{found.frames} frames, not {ordered.frames[1]}": not ordered.frames[0] <= found.frames <= ordered.frames[1],
        f"{found.duration_s:.3f} s long, not {ordered.length_s:.3f} s": _differ(
            found.duration_s, ordered.length_s, ordered.tolerance_s
        ),
        f"{len(made.facts.audio)} sounds, not {ordered.sounds}": len(made.facts.audio) != ordered.sounds,
        f"{len(made.facts.subtitles)} texts, not {ordered.texts}": len(made.facts.subtitles) != ordered.texts,
        f"sound of {sound_s:.3f} s, not {ordered.sound_s} s": ordered.sound_s is not None
        and _differ(sound_s, ordered.sound_s, ordered.tolerance_s),
    }
    return [what for what, is_so in checks.items() if is_so]


def _differ(one_s: float, other_s: float, tolerance_s: float) -> bool:
    return abs(one_s - other_s) > tolerance_s
