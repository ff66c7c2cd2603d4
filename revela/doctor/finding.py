"""What a check found out."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands with one thing."""

    WORKS = "works"
    ABSENT = "absent"
    """Not there, and nothing needs it."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `mend` says what to do about it."""

    name: str
    state: State
    detail: str
    mend: str = ""


Check = Callable[[], Finding]
