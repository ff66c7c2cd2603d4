"""The bare text for a track of its own, as SRT: players decide how it looks."""

import re

from shared.captions.appearance import Appearance
from worker.media.captions.compose import Composed, wanted
from worker.media.captions.reading.cue import Cue, Look, Subtitles

_WORD_JOINER = "\u2060"
_OBEYED = re.compile(r"\\(?=[Nnh{}])|<(?=[A-Za-z/])|\{(?=\\)|-(?=->)")
"""What FFmpeg's reader of SRT takes for markup, or for the time of another cue."""


def transcript(subtitles: Subtitles, asked: Appearance, until_ms: int) -> Composed:
    """Return the cues with their line breaks, bold, italics and underlines; cues after `until_ms` are left out."""
    cues, changes = wanted(subtitles, asked, until_ms)
    text = "\n".join(
        f"{n}\n{_clock(cue.start_ms)} --> {_clock(min(cue.end_ms, until_ms))}\n{_spoken(cue)}\n"
        for n, cue in enumerate(cues, 1)
    )
    return Composed(text, len(cues), len(cues), sum(len(cue.words) for cue in cues), [], changes)


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
