"""Names in a request that mean nothing here, and what was probably meant."""

from difflib import get_close_matches
from functools import lru_cache

from pydantic import BaseModel

_LONGEST_NAME = 64
"""A longer name is no slip of the fingers."""


def unknown_field(location: tuple[int | str, ...], model: type[BaseModel], noun: str) -> str:
    """Return the sentence on the field at `location`, which `model` does not have; it is called a `noun`."""
    name = str(location[-1])
    known = _fields_at(model, location[:-1])
    guess = did_you_mean(name, known)
    if guess or not known or len(name) > _LONGEST_NAME:
        return f"unknown {noun} {name[:_LONGEST_NAME]}{guess}"
    return f"unknown {noun} {name}; there are {', '.join(known)}"


@lru_cache(maxsize=1024)  # up to 1000 items of a request tend to have the same fault
def did_you_mean(name: str, known: tuple[str, ...]) -> str:
    """Return "; did you mean …?" with the known name that is most like `name`, or nothing if none is."""
    close = get_close_matches(name, known, n=1) if len(name) <= _LONGEST_NAME else []
    return f"; did you mean {close[0]}?" if close else ""


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the names of the fields at `location` in `model`; none where that leads through anything but models."""
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return ()
        model = field.annotation
    return tuple(field.alias or name for name, field in model.model_fields.items())
