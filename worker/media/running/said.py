"""From what ffmpeg said at its end to the error that it stands for, without paths and memory addresses."""

import errno
import os
import re
import signal
from collections.abc import Sequence

from shared.errors import EncodeFailed, JobError, MediaCorrupt, OutputTooLarge, WorkerDiskFull

_TOLD_LINES = 4
_TOLD_CHARACTERS = 600
_SHORT_CHARACTERS = 120
_TOO_MANY_ERRORS = 69
"""How ffmpeg ends when more than two thirds of what it decoded was damaged (-max_error_rate)."""
_ADDRESS = re.compile(r" @ 0x[0-9a-f]+")
_PATH = re.compile(r"(?<![^\s'\"(=:])(?:file:)?/[^\s:'\"]+")


def failure(returncode: int, lines: Sequence[str]) -> JobError:
    """Return the error of a run that ended with `returncode` and said these lines."""
    said = "\n".join(lines)
    if os.strerror(errno.ENOSPC) in said:
        return WorkerDiskFull()
    if returncode == -signal.SIGXFSZ or os.strerror(errno.EFBIG) in said:
        return OutputTooLarge()
    if returncode == _TOO_MANY_ERRORS:
        return MediaCorrupt("Most of the file can't be decoded.")
    return EncodeFailed(in_one_line(lines, returncode))


def in_one_line(lines: Sequence[str], returncode: int) -> str:
    """Return the first of ffmpeg's complaints."""
    text = " | ".join(line.strip() for line in lines[:_TOLD_LINES] if line.strip())
    text = _PATH.sub("FILE", _ADDRESS.sub("", text))
    return f"ffmpeg ended with {returncode}: {text[:_TOLD_CHARACTERS] or 'it said nothing'}"


def in_short(failure: JobError) -> str:
    """Return the first thing that ffmpeg complained of: the rest follows from it."""
    return failure.detail.partition(" | ")[0][:_SHORT_CHARACTERS]
