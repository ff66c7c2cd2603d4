"""Which parts of a frame the apps cover, from the data file beside this module."""

import functools
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class SafeArea(StrEnum):
    """The app whose own buttons and texts captions keep clear of."""

    NONE = "none"
    TIKTOK = "tiktok"
    REELS = "reels"
    SHORTS = "shorts"


@dataclass(frozen=True, slots=True)
class Insets:
    """How much of the frame is covered at each edge, as fractions of its width or height."""

    top: float
    right: float
    bottom: float
    left: float


def insets(area: SafeArea) -> Insets:
    """Return what `area` leaves free."""
    return Insets(**_document()["areas"][area])


@functools.cache
def _document() -> dict[str, dict[str, dict[str, float]]]:
    document: dict[str, dict[str, dict[str, float]]] = json.loads(
        Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    )
    return document
