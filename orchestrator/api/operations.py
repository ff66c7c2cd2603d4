"""The catalogue over HTTP: every operation with its contract."""

from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.api.door.described import Described, Reply
from orchestrator.services import Services
from shared.operation import AnyOperation, Slot
from shared.wire.job import MAX_ITEMS


async def list_operations(services: Services, request: Request) -> Response:  # noqa: ARG001
    """``GET /v1/operations``: JSON Schemas of params and result, files, limits. Public, as the docs are."""
    described = [describe(operation) for operation in services.catalogue.values()]
    return JSONResponse({"operations": described}, headers={"cache-control": "public, max-age=60"})


def describe(operation: AnyOperation) -> dict[str, Any]:
    """Return an operation's contract as clients read it."""
    return {
        "name": operation.name,
        "version": operation.version,
        "summary": operation.summary,
        "params": operation.params.model_json_schema(),
        "result": operation.result.model_json_schema(mode="serialization"),
        "outputs": [
            {"slot": slot.name, "file_name": slot.filename, "content_type": slot.content_type}
            for slot in _example_slots(operation)
        ],
        "limits": {
            "max_items": MAX_ITEMS,
            "max_input_bytes": operation.limits.max_input_bytes,
            "timeout_s": operation.limits.timeout_s,
        },
    }


def _example_slots(operation: AnyOperation) -> tuple[Slot, ...]:
    """Return the files of an item made from the defaults and the examples of the schema; none where that is no item."""
    schema = operation.params.model_json_schema()
    example = {name: schema["properties"][name].get("examples", [None])[0] for name in schema.get("required", ())}
    try:
        return operation.slots(operation.params.model_validate(example))
    except ValidationError:
        return ()


ROUTES = (
    Described(
        "GET",
        "/v1/operations",
        "List the operations with their JSON Schemas",
        open=list_operations,
        replies=(Reply("Every operation"),),
        group="Operations",
    ),
)
