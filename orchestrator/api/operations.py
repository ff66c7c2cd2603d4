"""The catalogue over HTTP: every operation with its contract."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.services import Services
from shared.operation import AnyOperation
from shared.wire.job import MAX_ITEMS


async def list_operations(services: Services, request: Request) -> Response:  # noqa: ARG001
    """``GET /v1/operations``: JSON Schemas of params and result, files, limits. Public, as the docs are."""
    described = [describe(operation) for operation in services.catalogue.values()]
    return JSONResponse({"operations": described}, headers={"cache-control": "public, max-age=60"})


def describe(operation: AnyOperation) -> dict[str, Any]:
    """Return an operation's contract as clients read it.

    `outputs` names the files where they don't depend on the parameters: those of an item with nothing but
    what the schema requires.
    """
    return {
        "name": operation.name,
        "version": operation.version,
        "summary": operation.summary,
        "params": operation.params.model_json_schema(),
        "result": operation.result.model_json_schema(mode="serialization"),
        "limits": {
            "max_items": MAX_ITEMS,
            "max_input_bytes": operation.limits.max_input_bytes,
            "timeout_s": operation.limits.timeout_s,
        },
    }
