"""The bare text for a track of its own, as SRT: players decide how it looks."""

import re
from collections.abc import Iterator, Sequence

from shared.captions.appearance import Appearance
from worker.media.captions.compose import Composed, wanted
from worker.media.captions.reading.cue import Cue, Look, Subtitles

_WORD_JOINER = "\u2060"
_OBEYED = re.compile(r"\\(?=[Nnh{}])|<(?=[A-Za-z/])|\{(?=\\)|-(?=->)")
"""What FFmpeg's reader of SRT takes for markup, or for the time of another cue."""


def transcript(subtitles: Subtitles, asked: Appearance, until_ms: int) -> Composed:
    """Return the cues with their line breaks, bold, italics and underlines; cues after `until_ms` are left out."""
    cues, changes = wanted(subtitles, asked, until_ms)
    shown = list(_apart(cues, until_ms))
    changes["overlaps-joined"] += sum(len(together) > 1 for _, _, together in shown)
    text = "\n".join(
        f"{n}\n{_clock(start_ms)} --> {_clock(end_ms)}\n{chr(10).join(map(_spoken, together))}\n"
        for n, (start_ms, end_ms, together) in enumerate(shown, 1)
    )
    return Composed(text, len(shown), len(cues), sum(len(cue.words) for cue in cues), [], +changes)


def _apart(cues: Sequence[Cue], until_ms: int) -> Iterator[tuple[int, int, list[Cue]]]:
    """Yield what is shown from when to when: a track of an MP4 has one text at a time, so what meets is joined."""
    waiting, open_cues, now_ms = sorted(cues, key=lambda cue: cue.start_ms), list[Cue](), 0
    at = 0
    while at < len(waiting) or open_cues:
        changes_ms = [min(cue.end_ms, until_ms) for cue in open_cues]
        if at < len(waiting):
            changes_ms.append(waiting[at].start_ms)
        next_ms = min(changes_ms)
        if open_cues and next_ms > now_ms:
            yield now_ms, next_ms, list(open_cues)
        now_ms = next_ms
        open_cues = [cue for cue in open_cues if min(cue.end_ms, until_ms) > now_ms]
        while at < len(waiting) and waiting[at].start_ms <= now_ms:
            open_cues.append(waiting[at])
            at += 1


def _spoken(cue: Cue) -> str:
    """Return a cue's text; a tag is closed at the end of its word, and what looks like one holds a word joiner."""
    body = ""
    for n, word in enumerate(cue.words):
        between = "" if n == 0 else "\n" if cue.words[n - 1].ends_line else " "
        body += between + _marked(_OBEYED.sub(rf"\g<0>{_WORD_JOINER}", word.text), word.look)
    return body


def _marked(text: str, look: Look) -> str:
    for wished, tag in ((look.bold, "b"), (look.italic, "i"), (look.underline, "u")):
        if wished:
            text = f"<{tag}>{text}</{tag}>"
    return text


def _clock(ms: int) -> str:
    seconds, thousandths = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{thousandths:03d}"
