"""Which way each character of a line runs, by the Unicode Bidirectional Algorithm (UAX #9, revision 48).

Embeddings, overrides and isolates are not in it: reading takes them out. libass has its own such algorithm, but without
the rule for brackets, and for a whole line at once; words that are drawn one by one need to know it of each letter.
"""

import re
import unicodedata
from collections.abc import Sequence

_LETTERS = {
    "L": "l", "R": "r", "AL": "a", "EN": "e", "AN": "n", "ES": "s", "ET": "t", "CS": "c", "NSM": "m", "BN": "m",
}  # fmt: skip
"""The classes of the algorithm as one letter each, so that its rules are patterns; all others are neutral: "o"."""
_BRACKETS = dict(re.findall("(.)(.)", "()[]{}⁅⁆⁽⁾₍₎⌈⌉⌊⌋⟨⟩〈〉"))
_MOST_OPEN = 63


def levels(text: str, *, leftwards: bool) -> list[int]:
    """Return each character's level in a paragraph that runs `leftwards` or not: odd ones run to the left."""
    base = "r" if leftwards else "l"
    # What stands before the first and after the last character has the paragraph's direction.
    kinds = base + "".join(_LETTERS.get(unicodedata.bidirectional(one), "o") for one in text) + base
    kinds = _neutral(_bracketed(text, _weak(kinds), base), base)[1:-1]
    return [_LEVELS[base][kind] for kind in kinds]


_LEVELS = {"l": {"l": 0, "r": 1, "e": 2, "n": 2}, "r": {"l": 2, "r": 1, "e": 2, "n": 2}}
"""Rules I1 and I2."""


def _weak(kinds: str) -> str:
    """Settle accents, numbers and what belongs to them: rules W1 to W7."""
    kinds = re.sub("(.)(m+)", lambda found: found[1] * len(found[0]), kinds)
    kinds = re.sub("a[^lr]*", lambda found: found[0].replace("e", "n"), kinds).replace("a", "r")
    kinds = re.sub("(?<=n)c(?=n)", "n", re.sub("(?<=e)[sc](?=e)", "e", kinds))
    kinds = re.sub("t+(?=e)|(?<=e)t+", lambda found: "e" * len(found[0]), kinds)
    kinds = re.sub("[stc]", "o", kinds)
    return re.sub("l[^r]*", lambda found: found[0].replace("e", "l"), kinds)


def _bracketed(text: str, kinds: str, base: str) -> str:
    """Let both brackets of a pair run as what they hold, or as what stands before them: rule N0."""
    settled = list(kinds)
    for opening, closing in _pairs(text, kinds):
        held = {_side(kind) for kind in settled[opening + 1 : closing]} - {"o"}
        if not held:
            continue
        before = next(side for kind in reversed(settled[:opening]) if (side := _side(kind)) != "o")
        settled[opening] = settled[closing] = base if base in held or before == base else before
    return "".join(settled)


def _pairs(text: str, kinds: str) -> list[tuple[int, int]]:
    """Return where in `kinds` brackets open and close again, in order (BD16)."""
    waiting: list[tuple[str, int]] = []
    found = []
    for n, character in enumerate(text, start=1):
        if kinds[n] != "o":
            continue
        if character in _BRACKETS and len(waiting) < _MOST_OPEN:
            waiting.append((_BRACKETS[character], n))
        elif (deep := _last(waiting, character)) is not None:
            found.append((waiting[deep][1], n))
            del waiting[deep:]
    return sorted(found)


def _last(waiting: list[tuple[str, int]], closing: str) -> int | None:
    return next((n for n in range(len(waiting) - 1, -1, -1) if waiting[n][0] == closing), None)


def _neutral(kinds: str, base: str) -> str:
    """Let what has no direction go with its neighbours where these agree, else with the paragraph: rules N1 and N2."""

    def settled(found: re.Match[str]) -> str:
        before, after = _side(kinds[found.start() - 1]), _side(kinds[found.end()])
        return (before if before == after else base) * len(found[0])

    return re.sub("o+", settled, kinds)


def _side(kind: str) -> str:
    """Return which way a character leads its neighbours: a number stands as if it ran to the left."""
    return "r" if kind in "en" else kind


def in_order(of: Sequence[int]) -> list[int]:
    """Return the indices of what has these levels as it stands from left to right: rule L2."""
    order = list(range(len(of)))
    for level in range(max(of, default=0), 0, -1):
        n = 0
        while n < len(order):
            end = n
            while end < len(order) and of[order[end]] >= level:
                end += 1
            order[n:end] = reversed(order[n:end])
            n = max(end, n + 1)
    return order
