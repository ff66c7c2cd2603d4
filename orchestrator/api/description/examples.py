"""Examples, put together from those that stand at each field."""

from typing import Any

from orchestrator.api.description.schemas import Json, Schemas

_BY_FORMAT = {"date-time": "2026-05-04T12:30:00Z", "uri": "https://example.com/"}
_BY_TYPE: Json = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}


def example_of(schema: Json, schemas: Schemas, *, whole: bool = True) -> Any:
    """Return a value that fits `schema`: its own example, else one made of its parts.

    Without `whole` it holds only what is required or has an example of its own.
    """
    schema = schemas.resolve(schema)
    for given in ("examples", "enum"):
        if schema.get(given):
            return schema[given][0]
    for given in ("example", "const", "default"):
        if given in schema:
            return schema[given]
    for choice in ("oneOf", "anyOf", "allOf"):
        if choice in schema:
            return example_of(schema[choice][0], schemas, whole=whole)
    match schema.get("type"):
        case "object":
            return _object(schema, schemas, whole=whole)
        case "array":
            return [example_of(schema["items"], schemas, whole=whole)]
        case kind:
            return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(str(kind)))


def _object(schema: Json, schemas: Schemas, *, whole: bool) -> Json:
    required = schema.get("required", ())
    return {
        name: example_of(field, schemas, whole=whole)
        for name, field in schema.get("properties", {}).items()
        if whole or name in required or "examples" in schemas.resolve(field)
    }
