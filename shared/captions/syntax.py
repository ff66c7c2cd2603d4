"""Subtitles as text: which format it is, and whether it may be read at all; what is inline is refused at the door."""

import heapq
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from shared.captions.words import spoken
from shared.errors import SubtitleLimits, SubtitleSyntax

MAX_BYTES = 4 << 20
"""Of a file: twenty hours of speech; an ASS file may carry fonts and drawings, which are thrown away."""
MAX_CUES = 10_000
MAX_AT_ONCE = 8
"""How many cues may be on the screen together."""
MAX_LINE_CHARACTERS = 10_000
MAX_HOURS = 100


class Format(StrEnum):
    """What subtitles are written in."""

    SRT = "srt"
    VTT = "vtt"
    ASS = "ass"
    WORDS = "words"


Interval = tuple[int, int]

_ASS = re.compile(r"^\s*\[(?:script info|v4\+? styles|events)\]", re.IGNORECASE | re.MULTILINE)
TIMING = re.compile(r"^\s*-?\d+\s*:.*-->|-->\s*-?\d+\s*:|^\s*\d+\s*:[^>]*[-–—=]>\s*\d+\s*:")
"""In a line of SRT or WebVTT: it means to say when a cue is shown, be it right or with another arrow."""
_CLOCK = r"(\d{1,4}):([0-5]?\d):([0-5]?\d)[,.](\d{1,3})"
_SRT = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?")
_SHORT_CLOCK = r"(?:(\d{1,4}):)?([0-5]\d):([0-5]\d)\.(\d{2,3})"
_VTT = re.compile(rf"\s*{_SHORT_CLOCK}\s*-->\s*{_SHORT_CLOCK}(?:\s.*)?")
_ASS_CLOCK = r"\s*(\d{1,4}):([0-5]?\d):([0-5]?\d)[.:](\d{1,3})\s*"
_DIALOGUE = re.compile(rf"Dialogue:[^,]*,{_ASS_CLOCK},{_ASS_CLOCK},", re.IGNORECASE)


def checked(text: str) -> Format:
    """Return the format of `text`; SubtitleSyntax with the line, or SubtitleLimits, for what can't be taken."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise SubtitleLimits(f"Subtitles have at most {MAX_BYTES >> 20} MiB.")
    found = recognised(text)
    intervals = (
        [(word.start_ms, word.end_ms) for word in spoken(text)] if found is Format.WORDS else _timed(text, found)
    )
    if not intervals:
        raise SubtitleSyntax("There is not a single cue in the subtitles.")
    if found is not Format.WORDS:
        check_cues(intervals)
    return found


def recognised(text: str) -> Format:
    """Return what the text is written in; SubtitleSyntax."""
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("WEBVTT"):
        return Format.VTT
    if _ASS.search(start):
        return Format.ASS
    if start[:1] in ("{", "["):
        return Format.WORDS
    if "-->" in start:
        return Format.SRT
    raise SubtitleSyntax


def check_cues(intervals: Iterable[Interval]) -> None:
    """Raise SubtitleLimits for too many cues, or too many at once."""
    ends: list[int] = []
    for count, (start_ms, end_ms) in enumerate(sorted(intervals), 1):
        if count > MAX_CUES:
            raise SubtitleLimits(f"Subtitles have at most {MAX_CUES} cues.")
        while ends and ends[0] <= start_ms:
            heapq.heappop(ends)
        heapq.heappush(ends, end_ms)
        if len(ends) > MAX_AT_ONCE:
            raise SubtitleLimits(f"At most {MAX_AT_ONCE} cues may be shown at once; at {start_ms / 1000:g} s are more.")


def _timed(text: str, written: Format) -> list[Interval]:
    """Return from when to when each cue is shown."""
    found = []
    for number, line in _lines(text, written):
        timing = _timing(line, written)
        if timing is None:
            raise SubtitleSyntax(f"Line {number} of the subtitles is no timing: {line.strip()[:60]}")
        start_ms, end_ms = timing
        if end_ms < start_ms:
            raise SubtitleSyntax(f"Line {number} of the subtitles ends before it begins: {line.strip()[:60]}")
        found.append(timing)
        if len(found) > MAX_CUES:
            raise SubtitleLimits(f"Subtitles have at most {MAX_CUES} cues.")
    return found


def _lines(text: str, written: Format) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each line that says when a cue is shown."""
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if written is Format.ASS:
            if line[:9].lower() == "dialogue:":
                yield number, line
            continue
        if len(line) > MAX_LINE_CHARACTERS:
            raise SubtitleLimits(f"Line {number} of the subtitles has more than {MAX_LINE_CHARACTERS} characters.")
        if TIMING.search(line):
            yield number, line


def _timing(line: str, written: Format) -> Interval | None:
    if written is Format.ASS:
        found = _DIALOGUE.match(line)
    else:
        found = (_VTT if written is Format.VTT else _SRT).fullmatch(line)
    if found is None:
        return None
    start_ms, end_ms = _milliseconds(found.groups()[:4]), _milliseconds(found.groups()[4:])
    return (start_ms, end_ms) if end_ms < MAX_HOURS * 3_600_000 else None


def _milliseconds(parts: tuple[str | None, ...]) -> int:
    hours, minutes, seconds = (int(part or 0) for part in parts[:3])
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + int((parts[3] or "").ljust(3, "0"))
