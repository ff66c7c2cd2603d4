"""Where a request may name files: found by an operation's schema, in nested fields and in lists too."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

Json = dict[str, Any]


class Holds(Enum):
    """What a field's text may be."""

    FILE = auto()
    FILE_OR_TEXT = auto()
    """Its content may stand in the request itself, as subtitles may."""


@dataclass(frozen=True, slots=True)
class Place:
    """A text that may name a file: what it is, its JSON pointer in the request, the name of its field."""

    text: str
    holds: Holds
    pointer: str
    field: str


Replace = Callable[[Place], str]
"""Returns what is to stand in a place instead, or its text."""


def with_places_replaced(request: Json, schema: Json, replace: Replace) -> Json:
    """Return a job's request with each place as `replace` has it; `schema` is that of an item's parameters."""
    walk = _Walk(schema, replace)
    told = dict(request)
    for part in ("input", "defaults"):
        if part in request:
            told[part] = walk.value(request[part], schema, f"/{part}", "")
    if isinstance(request.get("items"), list):
        told["items"] = [walk.value(item, schema, f"/items/{n}", "") for n, item in enumerate(request["items"])]
    return told


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value, names of fields excepted."""
    match value:
        case str():
            yield value
        case dict():
            for entry in value.values():
                yield from texts_in(entry)
        case list():
            for entry in value:
                yield from texts_in(entry)


@dataclass(frozen=True, slots=True)
class _Walk:
    root: Json
    replace: Replace

    def value(self, value: Any, schema: Json, pointer: str, field: str) -> Any:
        """Return a value with its places replaced, as far as `schema` knows it."""
        match value:
            case str():
                holds = next(filter(None, map(_held, self._choices(schema))), None)
                return value if holds is None else self.replace(Place(value, holds, pointer, field))
            case dict():
                return {
                    name: self.value(entry, self._of_field(schema, name), f"{pointer}/{_escaped(name)}", name)
                    for name, entry in value.items()
                }
            case list():
                entry_schema = self._of_entry(schema)
                return [self.value(entry, entry_schema, f"{pointer}/{n}", field) for n, entry in enumerate(value)]
        return value

    def _of_field(self, schema: Json, name: str) -> Json:
        for choice in self._choices(schema):
            if name in choice.get("properties", {}):
                return dict(choice["properties"][name])
            if isinstance(others := choice.get("additionalProperties"), dict):
                return others
        return {}

    def _of_entry(self, schema: Json) -> Json:
        return next((dict(choice["items"]) for choice in self._choices(schema) if "items" in choice), {})

    def _choices(self, schema: Json) -> Iterator[Json]:
        """Yield what a value may be by a schema, references followed; what stands beside a choice is of each."""
        if "$ref" in schema:
            yield from self._choices(self.root.get("$defs", {}).get(schema["$ref"].rpartition("/")[2], {}))
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            for choice in choices:
                yield from self._choices(choice)
        else:
            yield schema


def _escaped(name: str) -> str:
    """Return a field's name as a part of a JSON pointer (RFC 6901, 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _held(schema: Json) -> Holds | None:
    """Return what a text by this schema may be: an address in an example tells that plain text may be a file too."""
    if schema.get("format") == "media-input":
        return Holds.FILE
    example = next(iter(schema.get("examples", ())), None)
    names_a_file = schema.get("type") == "string" and isinstance(example, str) and example.startswith("https://")
    return Holds.FILE_OR_TEXT if names_a_file and not schema.keys() & {"format", "pattern"} else None
