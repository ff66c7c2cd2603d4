"""The body of a new job, as each operation takes it: its own parameters where a plain request says "any"."""

import json
from collections.abc import Mapping

from orchestrator.api.description.examples import example_of
from orchestrator.api.description.schemas import Json, Schemas
from shared.operation import AnyOperation
from shared.wire.job import JobItem, JobRequest

_NEEDED = "What an item needs may stand in the item or in `defaults`."


def job_request(schemas: Schemas, catalogue: Mapping[str, AnyOperation]) -> Json:
    """Keep the schema of a new job, one of each operation's, and return the reference to it."""
    by_operation = {name: _request_of(schemas, operation) for name, operation in catalogue.items()}
    return schemas.keep(
        JobRequest.__name__,
        {
            "description": "A job of one operation. " + _NEEDED,
            "oneOf": list(by_operation.values()),
            "discriminator": {
                "propertyName": "operation",
                "mapping": {name: reference["$ref"] for name, reference in by_operation.items()},
            },
        },
    )


def job_examples(schemas: Schemas, catalogue: Mapping[str, AnyOperation]) -> Json:
    """Return, for each operation, an example with one item and one with several."""
    examples: Json = {}
    for name, operation in catalogue.items():
        params = schemas.resolve(schemas.reference(operation.params, "validation", prefix_of(operation)))
        item = example_of(params, schemas, whole=False)
        required = {field: item[field] for field in params.get("required", ())}
        defaults = {field: value for field, value in item.items() if field not in required}
        examples[name] = {
            "summary": f"{name}: one item",
            "value": {"operation": name, "input": item},
        }
        examples[f"{name}_batch"] = {
            "summary": f"{name}: several items",
            "value": {
                "operation": name,
                "items": [{"id": f"item-{n}", **required} for n in (1, 2)],
                "defaults": defaults,
                "labels": {"order": "A-17"},
            },
        }
    return examples


def prefix_of(operation: AnyOperation) -> str:
    """Return what the names of an operation's schemas begin with."""
    return "".join(part.capitalize() for part in operation.name.split("_"))


def _request_of(schemas: Schemas, operation: AnyOperation) -> Json:
    prefix = prefix_of(operation)
    params = schemas.resolve(schemas.reference(operation.params, "validation", prefix))
    some = {part: value for part, value in params.items() if part != "required"}
    some["properties"] = {name: _undecided(field) for name, field in params.get("properties", {}).items()}
    some_ref = schemas.keep(f"{prefix}SomeParams", some | {"description": f"Parameters of {operation.name}. {_NEEDED}"})
    item = schemas.keep(f"{prefix}Item", _item_of(schemas, operation, some))
    plain = schemas.made_of(JobRequest)
    fields = {
        **plain["properties"],
        "operation": {"const": operation.name, "type": "string"},
        "items": {**_array_of(plain["properties"]["items"]), "items": item},
        "input": {**some_ref, "description": plain["properties"]["input"]["description"]},
        "defaults": {**some_ref, "description": plain["properties"]["defaults"]["description"]},
        "labels": _labels(schemas, plain["properties"]["labels"]),
    }
    return schemas.keep(
        f"{prefix}JobRequest",
        plain
        | {
            "description": f"{operation.summary} Give either `items` or `input`.",
            "properties": fields,
            # Not as oneOf: what makes code of this would see a choice of nameless things, and no class.
            "if": {"required": ["input"]},
            "then": {"not": {"required": ["items"]}},
            "else": {"required": ["items"]},
        },
    )


def _undecided(field: Json) -> Json:
    """Tell a default in words: clients that are generated would send it, and so hide what `defaults` says."""
    if "default" not in field:
        return field
    told = f"{json.dumps(field['default'])} where nothing says otherwise."
    told = f"{field['description'].rstrip('.')}. {told}" if "description" in field else told.capitalize()
    return {part: value for part, value in field.items() if part != "default"} | {"description": told}


def _item_of(schemas: Schemas, operation: AnyOperation, some: Json) -> Json:
    item_id = schemas.made_of(JobItem)["properties"]["id"]
    return some | {
        "description": f"One call of {operation.name}. {_NEEDED}",
        "properties": {"id": item_id, **some.get("properties", {})},
        "required": ["id"],
    }


def _labels(schemas: Schemas, field: Json) -> Json:
    """Keep what labels are under a name: generators make one class of it, not one for each operation."""
    beside = {part: field[part] for part in ("description", "examples")}
    labels = {part: value for part, value in field.items() if part not in beside and part != "default"}
    return schemas.keep("Labels", labels | {"description": "Pairs of texts"}) | beside


def _array_of(nullable: Json) -> Json:
    """Return the array of `array or null`: leaving a field out says the same as null."""
    [array] = [choice for choice in nullable["anyOf"] if choice["type"] == "array"]
    return {**array, "description": nullable["description"]}
