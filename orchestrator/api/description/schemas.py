"""From pydantic models to the schemas of the description, each once, under its model's name."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

Json = dict[str, Any]
Direction = Literal["validation", "serialization"]
"""What a client may send, or what it is sent."""

_AT = "#/components/schemas/"


class PlainSchema(GenerateJsonSchema):
    """JSON Schema without a title for each field, which only repeats its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - as it is called
        """Return False."""
        return False

    def default_schema(self, schema: Any) -> Json:
        """Return a field without an empty object as its default where it may be null: generators refuse the two."""
        made = super().default_schema(schema)
        if made.get("default") == {} and "anyOf" in made:
            del made["default"]
        return made


class Schemas:
    """Collects schemas by name and gives references to them."""

    def __init__(self) -> None:
        self._by_name: Json = {}

    def reference(self, model: type[BaseModel], direction: Direction, prefix: str = "") -> Json:
        """Return a reference to a model's schema, which is made if need be, with all that it refers to.

        `prefix` keeps apart what has the same name in several operations.
        """
        return self.keep(f"{prefix}{model.__name__}", self.made_of(model, direction, prefix))

    def made_of(self, model: type[BaseModel], direction: Direction = "validation", prefix: str = "") -> Json:
        """Return a model's schema itself; what it refers to is kept."""
        template = f"{_AT}{prefix}{{model}}"
        made = model.model_json_schema(ref_template=template, mode=direction, schema_generator=PlainSchema)
        for name, schema in made.pop("$defs", {}).items():
            self.keep(f"{prefix}{name}", schema)
        return made

    def keep(self, name: str, schema: Json) -> Json:
        """Keep a schema under a name and return the reference to it; ValueError for a name with two meanings."""
        schema = {part: value for part, value in schema.items() if part != "title"}
        if self._by_name.setdefault(name, schema) != schema:
            raise ValueError(f"two schemas are named {name}")
        return {"$ref": f"{_AT}{name}"}

    def resolve(self, schema: Json) -> Json:
        """Return what a reference leads to, under what stands beside it; any other schema itself."""
        if "$ref" not in schema:
            return schema
        beside = {part: value for part, value in schema.items() if part != "$ref"}
        return self.resolve(self._by_name[schema["$ref"].removeprefix(_AT)]) | beside

    def used_by(self, document: Any) -> Json:
        """Return, sorted by name, every schema that a part of the description refers to, and what those refer to."""
        used: set[str] = set()
        waiting = list(_references(document))
        while waiting:
            name = waiting.pop()
            if name not in used:
                used.add(name)
                waiting.extend(_references(self._by_name[name]))
        return {name: self._by_name[name] for name in sorted(used)}


def _references(part: Any) -> Iterator[str]:
    match part:
        case dict():
            for name, value in part.items():
                if isinstance(value, str) and value.startswith(_AT) and name != "description":
                    yield value.removeprefix(_AT)
                yield from _references(value)
        case list() | tuple():
            for value in part:
                yield from _references(value)
