"""Reading a file of subtitles in any of the formats; whatever is wrong with it is a typed error."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

import pysubs2

from shared.captions.syntax import MAX_CUES, TIMING, Format, checked
from shared.captions.words import MAX_WORDS, SpokenWord, spoken
from shared.errors import SubtitleLimits, SubtitleSyntax
from worker.media.captions.reading import markup
from worker.media.captions.reading.characters import cleaned
from worker.media.captions.reading.cue import Cue, Look, Subtitles, Word
from worker.media.captions.reading.encoding import decoded
from worker.media.captions.reading.timing import shared_out

MAX_CUE_CHARACTERS = 1000
_PAUSE_MS = 800
"""Words further apart than this are of different cues."""
_LONGEST_CUE_MS = 6000
_LONGEST_CUE_WORDS = 14
_ENDS_SENTENCE = (".", "!", "?", "…", "。", "؟")
_WHITE = "#FFFFFF"
_NEWLINE = re.compile("\r\n?")
_COLON = re.compile(r"(?<=\d):(?=\d)")
_STAND_IN = "\ue03a"
"""For a colon between digits in a text; of the private use area, of which nothing else is left."""


def from_bytes(content: bytes) -> Subtitles:
    """Return what a file holds. MediaEmpty, SubtitleSyntax, SubtitleLimits."""
    text, encoding = decoded(content)
    return from_text(text, encoding)


def from_text(text: str, encoding: str = "utf-8") -> Subtitles:
    """Return what a text holds, in the order of time, without empty cues. SubtitleSyntax, SubtitleLimits."""
    text = _NEWLINE.sub("\n", text.removeprefix("\ufeff").replace("\x00", ""))
    written = checked(text)
    changes: Counter[str] = Counter()
    found = _spoken_cues(text, changes) if written is Format.WORDS else _cues(text, written, changes)
    cues, words = [], 0
    for cue in found:
        if not cue.words or cue.end_ms <= cue.start_ms:
            changes["empty-cues-removed"] += 1
            continue
        if sum(len(word.text) + 1 for word in cue.words) > MAX_CUE_CHARACTERS:
            raise SubtitleLimits(
                f"A cue has at most {MAX_CUE_CHARACTERS} characters; the one at {cue.start_ms / 1000:g} s has more."
            )
        words += len(cue.words)
        if words > MAX_WORDS:
            raise SubtitleLimits(f"At most {MAX_WORDS} words are taken.")
        cues.append(cue)
    if not cues:
        raise SubtitleSyntax("There is no text in the subtitles.")
    return Subtitles(written, encoding, sorted(cues, key=lambda cue: cue.start_ms), +changes)


def _cues(text: str, written: Format, changes: Counter[str]) -> Iterator[Cue]:
    parsed = _parsed(text, written)
    changes["fonts-removed"] += len(parsed.fonts_opaque)
    changes["graphics-removed"] += len(parsed.graphics_opaque)
    for event in parsed.events:
        if event.is_comment:
            continue
        event.text = event.text.replace(_STAND_IN, ":")
        if written is Format.VTT:  # pysubs2 takes notes and names that follow for text of the cue
            event.text = event.text.partition(r"\N\N")[0]
        style = parsed.styles.get(event.style) if written is Format.ASS else None
        marked = markup.read(cleaned(event.text, changes), written, (event.start, event.end), _look(style), changes)
        anchor = marked.anchor or (markup.anchor_of(int(style.alignment)) if style else None)
        yield Cue(event.start, event.end, marked.words, anchor)


def _parsed(text: str, written: Format) -> pysubs2.SSAFile:
    try:
        # Tags are left to our own reader, which knows what is allowed.
        options = {} if written is Format.ASS else {"keep_html_tags": True}
        text = text if written is Format.ASS else _guarded(text)
        parsed = pysubs2.SSAFile.from_string(text, format_="ass" if written is Format.ASS else written, **options)
    except (pysubs2.Pysubs2Error, ValueError, KeyError, IndexError, OverflowError) as unreadable:
        raise SubtitleSyntax(f"The subtitles can't be read as {written.upper()}.") from unreadable
    if len(parsed.events) > MAX_CUES:
        raise SubtitleLimits(f"Subtitles have at most {MAX_CUES} cues.")
    return parsed


def _guarded(text: str) -> str:
    """Hide times that stand in what is said: pysubs2 takes any line with two of them for a cue's timing."""
    return "\n".join(line if TIMING.search(line) else _COLON.sub(_STAND_IN, line) for line in text.split("\n"))


def _look(style: pysubs2.SSAStyle | None) -> Look:
    """Return what is taken of a style: whether it slants or underlines, and a colour other than white."""
    if style is None:
        return Look()
    shade = style.primarycolor
    colour = f"#{shade.r:02X}{shade.g:02X}{shade.b:02X}"
    return Look(italic=style.italic or None, underline=style.underline, colour=None if colour == _WHITE else colour)


def _spoken_cues(text: str, changes: Counter[str]) -> Iterator[Cue]:
    words = [word for said in spoken(text) for word in _said_words(said, changes)]
    for _, segment in groupby(words, key=lambda pair: pair[0]):
        for group in _together(word for _, word in segment):
            yield Cue(group[0].start_ms, group[-1].end_ms, tuple(group))


def _said_words(said: SpokenWord, changes: Counter[str]) -> Iterator[tuple[int, Word]]:
    parts = [Word(part, 0, 0) for part in markup.words_of(cleaned(said.text, changes))]
    end_ms = max(said.end_ms, said.start_ms + 10)
    return ((said.segment, word) for word in shared_out(parts, said.start_ms, end_ms))


def _together(words: Iterable[Word]) -> Iterator[list[Word]]:
    """Yield what is shown together: until a pause, the end of a sentence, or as much as can be read at once."""
    group: list[Word] = []
    for word in words:
        if group and _ends(group, word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _ends(group: list[Word], following: Word) -> bool:
    return (
        following.start_ms - group[-1].end_ms > _PAUSE_MS
        or group[-1].text.endswith(_ENDS_SENTENCE)
        or len(group) >= _LONGEST_CUE_WORDS
        or following.end_ms - group[0].start_ms > _LONGEST_CUE_MS
    )
