"""Which ffmpeg binary is used: the first one that has what is needed."""

import functools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import imageio_ffmpeg

from shared.errors import EncodeFailed
from worker.media.running.capture import capture

NEEDED_ENCODERS = ("libx264",)
NEEDED_FILTERS: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """An ffmpeg to run: where it is and why it was taken."""

    path: str
    reason: str


@functools.cache
def find(encoders: tuple[str, ...] = NEEDED_ENCODERS, filters: tuple[str, ...] = NEEDED_FILTERS) -> Binary:
    """Return the ffmpeg named by REVELA_FFMPEG, else the PATH's, else the imageio-ffmpeg package's.

    The first that lists the needed encoders and filters is taken, and `reason` says what was wrong with those before
    it. EncodeFailed if none will do. The answer is kept for the process's life.
    """
    refused: list[str] = []
    for source, path in _candidates():
        lack = _lack(path, encoders, filters)
        if lack is None:
            return Binary(path, "; ".join([*refused, f"{source} has what is needed"]))
        refused.append(f"{source} {lack}")
    raise EncodeFailed(f"No usable ffmpeg: {'; '.join(refused)}")


def _candidates() -> Iterator[tuple[str, str]]:
    if named := os.environ.get("REVELA_FFMPEG"):
        yield "REVELA_FFMPEG", named
    if on_path := shutil.which("ffmpeg"):
        yield "the PATH's ffmpeg", on_path
    try:
        yield "imageio-ffmpeg's", imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        return


def _lack(path: str, encoders: tuple[str, ...], filters: tuple[str, ...]) -> str | None:
    """Return what speaks against the binary at `path`, or None."""
    try:
        missing = _missing(path, "-encoders", encoders) + _missing(path, "-filters", filters)
    except EncodeFailed:
        return "does not run"
    return f"lacks {', '.join(missing)}" if missing else None


def _missing(path: str, listing: str, names: tuple[str, ...]) -> list[str]:
    """Return which names the second column of ffmpeg's listing lacks."""
    if not names:
        return []
    lines = capture([path, "-hide_banner", listing]).splitlines()
    present = {columns[1] for line in lines if len(columns := line.split()) > 1}
    return [name for name in names if name not in present]
