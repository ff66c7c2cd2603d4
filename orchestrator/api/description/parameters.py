"""What a route takes beside its body: parts of its path, its query, its headers."""

import re

from pydantic import BaseModel

from orchestrator.api.description.schemas import Json, Schemas
from orchestrator.api.door.described import Described, Header
from orchestrator.api.door.query import JOB_ID, UPLOAD_ID

IN_PATHS: dict[str, Json] = {
    "job_id": {
        "description": "The job's id",
        "schema": {"type": "string", "pattern": f"^{JOB_ID.pattern}$"},
        "example": "job_01K9ZV6Q0S8M7D3X5B2C4F6G8H",
    },
    "upload_id": {
        "description": "The upload's id",
        "schema": {"type": "string", "pattern": f"^{UPLOAD_ID.pattern}$"},
        "example": "upl_01K9ZV6Q0S8M7D3X5B2C4F6G8H",
    },
    "delivery_id": {
        "description": "The event's id, which every try carries as webhook-id",
        "schema": {"type": "string", "pattern": "^evt_[0-9A-HJKMNP-TV-Z]{26}$"},
        "example": "evt_01K9ZV6Q0S8M7D3X5B2C4F6G8H",
    },
    "token": {
        "description": "The signed part of the link",
        "schema": {"type": "string"},
        "example": "am9iXzAxSzlaVjZRMFM4TTdEM1g1QjJDNEY2RzhIfDB8dmlkZW8",
    },
    "name": {
        "description": "What the file is saved as",
        "schema": {"type": "string"},
        "example": "item-1-video.mp4",
    },
}
"""The parts of paths, by the name in braces."""

_IN_BRACES = re.compile(r"\{(\w+)\}")


def names_in(path: str) -> list[str]:
    """Return the names in braces."""
    return _IN_BRACES.findall(path)


def parameters_of(described: Described, schemas: Schemas) -> list[Json]:
    """Return every parameter of a route: of its path, its query, its headers."""
    in_path = [
        {"name": name, "in": "path", "required": True, **IN_PATHS.get(name, {"schema": {"type": "string"}})}
        for name in names_in(described.path)
    ]
    in_headers = [{"in": "header", "name": header.name, **header_object(header)} for header in described.headers]
    return [*in_path, *_in_query(described.query, schemas), *in_headers]


def header_object(header: Header) -> Json:
    """Return a header of a request or an answer."""
    pattern = {} if header.pattern is None else {"pattern": header.pattern}
    made: Json = {"description": header.description, "schema": {"type": header.kind, **pattern}}
    if header.example is not None:
        made["example"] = int(header.example) if header.kind == "integer" else header.example
    return made


def _in_query(model: type[BaseModel] | None, schemas: Schemas) -> list[Json]:
    if model is None:
        return []
    made = schemas.made_of(model)
    return [
        _query_parameter(name, schema, required=name in made.get("required", ()))
        for name, schema in made["properties"].items()
    ]


def _query_parameter(name: str, schema: Json, *, required: bool) -> Json:
    """Return one parameter; it is left out rather than null."""
    schema = dict(schema)
    description = schema.pop("description", None)
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        schema |= choices[0]
    if schema.get("default", ...) is None:
        del schema["default"]
    made: Json = {"name": name, "in": "query", "required": required, "schema": schema}
    return made if description is None else {**made, "description": description}
