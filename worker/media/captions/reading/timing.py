"""Times for words that have none: in proportion to their length."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from worker.media.captions.reading.cue import Word

_PAUSE = 1
"""A word takes as long as its letters and one more: the pause after it."""


def timed(words: Sequence[Word], starts_ms: Sequence[int | None], start_ms: int, end_ms: int) -> tuple[Word, ...]:
    """Return the words with times: those after a known start share the time until the next one, by their length."""
    known: list[int] = []
    for start in starts_ms:
        earliest = known[-1] if known else start_ms
        known.append(earliest if start is None else min(max(start, earliest), end_ms))
    found: list[Word] = []
    groups = [(at, [word for word, _ in group]) for at, group in groupby(zip(words, known, strict=True), _start)]
    for n, (at, group) in enumerate(groups):
        until = groups[n + 1][0] if n + 1 < len(groups) else end_ms
        found += shared_out(group, at, until)
    return tuple(found)


def _start(pair: tuple[Word, int]) -> int:
    return pair[1]


def shared_out(words: Iterable[Word], start_ms: int, end_ms: int) -> Iterator[Word]:
    """Yield the words with the time from `start_ms` to `end_ms` shared out in proportion to their length."""
    words = list(words)
    whole = sum(len(word.text) + _PAUSE for word in words)
    done, at = 0, start_ms
    for word in words:
        done += len(word.text) + _PAUSE
        until = start_ms + (end_ms - start_ms) * done // whole
        yield replace(word, start_ms=at, end_ms=until)
        at = until
