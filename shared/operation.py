"""What an operation declares: its parameters, result, files, limits and cost. One item is one call of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.wire.model import ClientModel, WireModel

P = TypeVar("P", bound=ClientModel)
R = TypeVar("R", bound=WireModel)


@dataclass(frozen=True, slots=True)
class Slot:
    """One file that an item makes. `filename` is the server's, never the user's."""

    name: str
    filename: str
    content_type: str
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one item may take."""

    max_input_bytes: int
    timeout_s: float


def nothing_foreseen(params: Any) -> Mapping[str, Mapping[str, Any]]:  # noqa: ARG001 - as Operation calls it
    """Say nothing of files that are yet to be made."""
    return {}


@dataclass(frozen=True)
class Operation(Generic[P, R]):
    """The contract of one operation; both sides find it by itself in `shared/operations/NAME.py`.

    `slots(params)` names the files of one item. `cost_s(params)` guesses the seconds that one item takes on a
    usual worker; planning uses it to cut a job into tasks. A field of Result that is named like a slot holds the
    facts about that file and is shown beside its link. `foreseen(params)` tells, by slot, those of the facts that
    are certain beforehand; a dry run shows them.
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


AnyOperation = Operation[Any, Any]
