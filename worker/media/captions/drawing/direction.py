"""In which direction text runs, and in which order the words of a line stand from left to right."""

import unicodedata
from collections.abc import Sequence
from enum import Enum
from typing import TypeVar

_RIGHT_TO_LEFT = ("R", "AL")
_NUMBERS = ("EN", "AN")
LEFT_MARK, RIGHT_MARK = "\u200e", "\u200f"

T = TypeVar("T")


class Direction(Enum):
    """Of a word: where its first letter with a direction leads; numbers and signs have none of their own."""

    LEFT_TO_RIGHT = "L"
    RIGHT_TO_LEFT = "R"
    NUMBER = "N"
    NEUTRAL = "-"


def direction(text: str) -> Direction:
    """Return the direction of the first letter that has one, else of a number in it."""
    kinds = [unicodedata.bidirectional(character) for character in text]
    for kind in kinds:
        if kind == "L":
            return Direction.LEFT_TO_RIGHT
        if kind in _RIGHT_TO_LEFT:
            return Direction.RIGHT_TO_LEFT
    return Direction.NUMBER if any(kind in _NUMBERS for kind in kinds) else Direction.NEUTRAL


def runs_right_to_left(text: str) -> bool:
    """Return whether a paragraph's first letter with a direction leads to the left (rules P2 and P3 of UAX #9)."""
    return direction(text) is Direction.RIGHT_TO_LEFT


def left_to_right(words: Sequence[T], directions: Sequence[Direction], *, leftwards: bool) -> list[T]:
    """Return the words as they stand from left to right in a line of a paragraph that runs `leftwards` or not.

    The Unicode Bidirectional Algorithm (UAX #9) with whole words for characters: levels by W, N and I, order by L2.
    """
    levels = _levels(directions, 1 if leftwards else 0)
    order = list(range(len(words)))
    for level in range(max(levels, default=0), 0, -1):
        n = 0
        while n < len(order):
            end = n
            while end < len(order) and levels[order[end]] >= level:
                end += 1
            order[n:end] = reversed(order[n:end])
            n = max(end, n + 1)
    return [words[n] for n in order]


def _levels(directions: Sequence[Direction], paragraph: int) -> list[int]:
    """Return each word's level; neutral ones go with their neighbours where these agree, else with the paragraph."""
    base = Direction.RIGHT_TO_LEFT if paragraph else Direction.LEFT_TO_RIGHT
    levels = []
    for n, own in enumerate(directions):
        before = next((d for d in reversed(directions[:n]) if _strong(d)), base)
        after = next((d for d in directions[n + 1 :] if _strong(d)), base)
        if own is Direction.LEFT_TO_RIGHT:
            levels.append(2 if paragraph else 0)
        elif own is Direction.RIGHT_TO_LEFT:
            levels.append(1)
        elif own is Direction.NUMBER:
            levels.append(2 if paragraph or before is Direction.RIGHT_TO_LEFT else 0)
        else:
            embedding = before if before is after else base
            levels.append(1 if embedding is Direction.RIGHT_TO_LEFT else 2 * paragraph)
    return levels


def _strong(one: Direction) -> bool:
    return one in (Direction.LEFT_TO_RIGHT, Direction.RIGHT_TO_LEFT)
