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
    if "const" in schema:
        return schema["const"]
    if "default" in schema and (schema["default"] or not _has_more_to_show(schema, schemas)):
        return schema["default"]
    for choice in ("oneOf", "anyOf", "allOf"):
        if choice in schema:
            return example_of(schema[choice][0], schemas, whole=whole)
    match schema.get("type"):
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return {"video": example_of(schema["additionalProperties"], schemas, whole=whole)}
        case "object":
            return _object(schema, schemas, whole=whole)
        case "array":
            return [example_of(schema["items"], schemas, whole=whole)]
        case kind:
            return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(str(kind)))


def _has_more_to_show(schema: Json, schemas: Schemas) -> bool:
    """Whether an empty default hides objects of some form of their own."""
    inside = schema.get("items") or schema.get("additionalProperties")
    return isinstance(inside, dict) and bool(schemas.resolve(inside).get("properties"))


def _object(schema: Json, schemas: Schemas, *, whole: bool) -> Json:
    required = schema.get("required", ())
    return {
        name: example_of(field, schemas, whole=whole)
        for name, field in schema.get("properties", {}).items()
        if whole or name in required or "examples" in schemas.resolve(field)
    }
