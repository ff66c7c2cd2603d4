"""Which characters subtitles in a request put on the screen, told without all that the worker needs to read them."""

import functools
import html
import itertools
import re
import unicodedata
from collections.abc import Iterator

from shared.captions.appearance import Appearance, LetterCase
from shared.captions.syntax import TIMING, Format, recognised
from shared.captions.words import spoken

_NEWLINE = re.compile("\r\n?")
_LINE_END = re.compile("[\r\x0b\x0c\x85\u2028\u2029]")
_REMOVED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffc\ud800-\udfff]"
)
_DRAWING = r"\{(?=[^{}]*+\})[^{}]*\\p\d*[1-9](?s:.*)"
_STAMP = r"<\s*+(?:\d{1,4}:)?\d\d:\d\d\.\d{3}\s*+>"
_TAG = r"<(?=\s*+/?\s*+[a-zA-Z])[^<>\n]{0,300}>"
_ASS_MARKUP = re.compile(rf"{_DRAWING}|\{{[^{{}}]*\}}")
_MARKUP = re.compile(rf"{_DRAWING}|\{{\\[^{{}}]*\}}|{_STAMP}|{_TAG}")
_BREAK = re.compile(r"\\[Nn]")
_ASS_FIELDS = 10


def characters(written: str, asked: Appearance) -> set[str]:
    """Return the characters that subtitles which were found good show: no other, and in usual ones all of them.

    Left out are times, headers, notes, names of styles and speakers, markup, drawings with all that follows in their
    line, and characters that are removed before drawing. The text is composed (NFC) and in the letters asked for.
    Of `replace` and `mask`, which may take away any character of what they look for, those are left out; what is put
    instead, if anything is, is not looked at. The video's length is not known: cues after its end count.
    """
    phrases = "".join([*(rule.find for rule in asked.replace), *asked.mask])
    sought = {c.casefold() for c in {*phrases, *phrases.upper(), *phrases.lower()}}
    return {c for c in _read(written, asked.letter_case) if c.casefold() not in sought}


@functools.lru_cache(maxsize=1)
def _read(written: str, case: LetterCase) -> frozenset[str]:
    """Return the characters before any are taken away; a job's items may share the subtitles in its defaults."""
    found: set[str] = set()
    for text in _texts(_NEWLINE.sub("\n", written.removeprefix("\ufeff").replace("\x00", ""))):
        found.update(" ".join(map(case.of, re.split("[ \n]+", text))))
    return frozenset(found)


def _texts(written: str) -> Iterator[str]:
    match recognised(written):
        case Format.WORDS:
            yield from (_cleaned(word.text) for word in spoken(written))
        case Format.ASS:
            for line in written.split("\n"):
                fields = line.strip().split(",", _ASS_FIELDS - 1)
                if len(fields) == _ASS_FIELDS and fields[0].startswith("Dialogue:"):
                    yield _bare(fields[-1], Format.ASS)
        case found:
            yield from (_bare(cue, found) for cue in _cues(written, found))


def _cues(written: str, found: Format) -> Iterator[str]:
    """Yield what stands below each time, as one line; in WebVTT up to an empty line, as notes and names may follow."""
    cues: list[list[str]] = []
    for line in written.split("\n"):
        if TIMING.search(line):
            cues.append([])
        elif cues:
            cues[-1].append(line)
    for lines in cues:
        shown = itertools.takewhile(str.strip, lines) if found is Format.VTT else lines
        text = r"\N".join(shown).strip()
        yield text.partition(r"\N\N")[0] if found is Format.VTT else text


def _bare(text: str, written: Format) -> str:
    """Return the text of a cue without its markup, of which a tag may reach over lines."""
    pieces = (_ASS_MARKUP if written is Format.ASS else _MARKUP).split(_cleaned(text))
    return _BREAK.sub("\n", "".join(map(html.unescape, pieces) if written is Format.VTT else pieces))


def _cleaned(text: str) -> str:
    return unicodedata.normalize("NFC", _REMOVED.sub("", _LINE_END.sub("\n", text).replace("\t", " ")))
