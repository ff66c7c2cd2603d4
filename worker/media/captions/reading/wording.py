"""What a request changes about the words themselves: replaced, masked, in other letters."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from shared.captions.appearance import Appearance
from worker.media.captions.reading.cue import Cue, Word
from worker.media.captions.reading.markup import words_of
from worker.media.captions.reading.timing import shared_out

_INNER_LETTER = re.compile(r"\B\w")
_MASK = "*"

Change = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def reworded(cues: Iterable[Cue], asked: Appearance) -> list[Cue]:
    """Return the cues as `replace`, `mask` and `letter_case` want them; those that lose all words are left out."""
    changes = _changes(asked)
    found = []
    for cue in cues:
        words = [replace(word, text=asked.letter_case.of(word.text)) for word in _changed(cue.words, changes)]
        if words:
            found.append(replace(cue, words=tuple(words)))
    return found


def _changes(asked: Appearance) -> list[Change]:
    replaced = [(_whole(rule.find), _constant(rule.put)) for rule in asked.replace]
    if not asked.mask:
        return replaced
    return [*replaced, (_whole(*asked.mask), lambda found: _INNER_LETTER.sub(_MASK, found[0]))]


def _whole(*phrases: str) -> re.Pattern[str]:
    """Match any of the phrases as whole words, in any case of letters and with any spaces inside."""
    written = (r"\s+".join(map(re.escape, phrase.split())) for phrase in sorted(phrases, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{'|'.join(filter(None, written))})(?!\w)", re.IGNORECASE)


def _constant(text: str) -> Callable[[re.Match[str]], str]:
    return lambda _: text


def _changed(words: Sequence[Word], changes: Iterable[Change]) -> list[Word]:
    found = list(words)
    for pattern, change in changes:
        starts, text = [], ""
        for word in found:
            starts.append(len(text))
            text += f"{word.text} "
        for match in reversed(list(pattern.finditer(text))):
            if match[0]:
                found = _with_change(found, starts, match, change(match))
    return found


def _with_change(words: list[Word], starts: list[int], match: re.Match[str], put: str) -> list[Word]:
    """Return the words with what was matched put anew; it has the time that the old words had."""
    first = max(n for n, start in enumerate(starts) if start <= match.start())
    last = max(n for n, start in enumerate(starts) if start < match.end())
    before = words[first].text[: match.start() - starts[first]]
    after = words[last].text[match.end() - starts[last] :]
    parts = [replace(words[first], text=part, ends_line=False) for part in words_of(f"{before}{put}{after}")]
    new = list(shared_out(parts, words[first].start_ms, words[last].end_ms)) if parts else []
    if new:
        new[-1] = replace(new[-1], ends_line=words[last].ends_line)
    return [*words[:first], *new, *words[last + 1 :]]
