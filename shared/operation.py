"""What an operation declares: its parameters, result, files, limits and cost. One item is one call of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.wire.model import ClientModel, WireModel

P = TypeVar("P", bound=ClientModel)
R = TypeVar("R", bound=WireModel)


MAX_FILE_BYTES = 5 << 30
"""The most that one PUT takes (Amazon S3)."""
MAX_FURTHER_FILES = 2000
"""So many results fit into an item's result.json."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One file that an item makes, or up to `many` of which only the run finds out how many there are.

    `filename` is the server's, never the user's, and has a suffix. Of many, each is a slot by its `numbered` name.
    """

    name: str
    filename: str
    content_type: str
    max_bytes: int
    many: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for more files than an item's result can name."""
        if not 0 <= self.many <= MAX_FURTHER_FILES:
            raise ValueError(f"a slot has at most {MAX_FURTHER_FILES} files")

    def numbered(self, n: int) -> "Slot":
        """Return the slot of one of many files, counted from 0; IndexError beyond their number."""
        if not 0 <= n < self.many:
            raise IndexError(f"{self.name} has at most {self.many} files")
        stem, _, suffix = self.filename.rpartition(".")
        return Slot(f"{self.name}_{n:05d}", f"{stem}-{n:05d}.{suffix}", self.content_type, self.max_bytes)


def slots_by_name(slots: Iterable[Slot]) -> dict[str, Slot]:
    """Return every slot that an item may fill, each of many by itself."""
    single: dict[str, Slot] = {}
    for slot in slots:
        each = [slot.numbered(n) for n in range(slot.many)] if slot.many else [slot]
        single |= {one.name: one for one in each}
    return single


@dataclass(frozen=True, slots=True)
class Limits:
    """What one item may take."""

    max_input_bytes: int
    timeout_s: float


@dataclass(frozen=True, slots=True)
class ParamsWarning:
    """What an item's parameters will come to that its owner hardly wants, though they are taken."""

    pointer: str
    """JSON pointer (RFC 6901) into the parameters."""
    code: str
    detail: str


def nothing_foreseen(params: Any) -> Mapping[str, Mapping[str, Any]]:  # noqa: ARG001 - as Operation calls it
    """Say nothing of files that are yet to be made."""
    return {}


def no_warnings(params: Any) -> tuple[ParamsWarning, ...]:  # noqa: ARG001 - as Operation calls it
    """Warn of nothing."""
    return ()


@dataclass(frozen=True)
class Operation(Generic[P, R]):
    """The contract of one operation; both sides find it by itself in `shared/operations/NAME.py`.

    `slots(params)` names the files of one item. `cost_s(params)` guesses the seconds that one item takes on a
    usual worker; planning uses it to cut a job into tasks. A field of Result that is named like a slot holds the
    facts about that file and is shown beside its link. `foreseen(params)` tells, by slot, those of the facts that
    are certain beforehand, and `warnings(params)` what will hardly be as wished; a dry run shows both.
    """

    name: str
    version: int
    summary: str
    params: type[P]
    result: type[R]
    slots: Callable[[P], tuple[Slot, ...]]
    cost_s: Callable[[P], float]
    limits: Limits
    foreseen: Callable[[P], Mapping[str, Mapping[str, Any]]] = nothing_foreseen
    warnings: Callable[[P], tuple[ParamsWarning, ...]] = no_warnings


AnyOperation = Operation[Any, Any]
