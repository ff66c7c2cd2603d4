"""What a server can do, as it tells itself: each operation with its parameters, their types, defaults and ranges."""

import json
from typing import Any

from revela.client.blocking import Client
from revela.failures import UsageFault
from revela.rows import print_rows

Schema = dict[str, Any]

_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def list_operations(url: str, name: str | None, *, as_json: bool) -> None:
    """Print one row per parameter, or the operations as the server describes them; UsageFault for an unknown `name`."""
    with Client(url, "") as client:
        found = client.operations()
    wanted = [operation for operation in found if name in (None, operation["name"])]
    if name is not None and not wanted:
        raise UsageFault(f"no operation {name}; there are {', '.join(operation['name'] for operation in found)}")
    if as_json:
        print(json.dumps(wanted, indent=2))
        return
    rows = [
        (operation["name"], *_parameter(parameter, schema, operation["params"]))
        for operation in wanted
        for parameter, schema in operation["params"]["properties"].items()
    ]
    print_rows(rows, ("operation", "parameter", "type", "default", "range", "meaning"))


def _parameter(name: str, schema: Schema, params: Schema) -> tuple[str, ...]:
    """Return (name, type, default, range, meaning) of a parameter in JSON Schema."""
    kind = _resolved(schema, params)
    default = json.dumps(schema["default"]) if "default" in schema else "required"
    meaning = schema.get("description") or kind.get("description") or ""
    return name, str(kind.get("type", "")), default.strip('"'), _range(kind, params), meaning


def _resolved(schema: Schema, params: Schema) -> Schema:
    """Follow a reference into the schema's definitions."""
    reference = schema.get("$ref")
    return schema if reference is None else params["$defs"][reference.rpartition("/")[2]]


def _range(kind: Schema, params: Schema) -> str:
    """Return the values that are taken: a list of them, bounds, or an object's own fields with theirs."""
    if "enum" in kind:
        return ", ".join(map(str, kind["enum"]))
    if "properties" in kind:
        fields = kind["properties"].items()
        return "; ".join(f"{name} {_range(_resolved(field, params), params)}".strip() for name, field in fields)
    return ", ".join(f"{sign} {kind[bound]:g}" for bound, sign in _BOUNDS.items() if bound in kind)
