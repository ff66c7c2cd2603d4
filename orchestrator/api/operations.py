"""The catalogue over HTTP: every operation with its contract."""

from functools import lru_cache
from typing import Any

from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_bytes
from orchestrator.api.door.described import Described, Reply
from orchestrator.services import Services
from shared.operation import AnyOperation, Slot
from shared.wire.job import MAX_ITEMS
from shared.wire.model import WireModel


class OutputSlot(WireModel):
    """One file that an item makes."""

    slot: str = Field(description="Its name in an item's `output`", examples=["video"])
    file_name: str = Field(examples=["video.mp4"])
    content_type: str = Field(examples=["video/mp4"])
    max_files: int = Field(
        default=1, description="More than 1: up to so many files, each a slot by its number: `SLOT_00000` and so on"
    )


class OperationLimits(WireModel):
    """What a job of the operation may take."""

    max_items: int = Field(examples=[MAX_ITEMS])
    max_input_bytes: int = Field(description="The largest file that is read", examples=[100 << 20])
    timeout_s: float = Field(description="The longest that one item takes", examples=[1800])


class OperationView(WireModel):
    """The contract of one operation."""

    name: str = Field(examples=["img2vid"])
    version: int = Field(examples=[1])
    summary: str = Field(examples=["A photo becomes a video with smooth camera motion."])
    params: dict[str, Any] = Field(
        description="JSON Schema of an item's parameters",
        examples=[{"type": "object", "properties": {"fps": {"type": "integer"}}}],
    )
    result: dict[str, Any] = Field(
        description="JSON Schema of an item's `result`",
        examples=[{"type": "object", "properties": {"video": {"type": "object"}}}],
    )
    outputs: list[OutputSlot] = Field(description="The files of an item with the parameters' defaults")
    limits: OperationLimits


class OperationList(WireModel):
    """Every operation that this server offers."""

    operations: list[OperationView]


async def list_operations(services: Services, request: Request) -> Response:  # noqa: ARG001
    """``GET /v1/operations``: JSON Schemas of params and result, files, limits. Public, as the docs are."""
    return Response(
        _listed(tuple(services.catalogue.values())),
        headers={"cache-control": "public, max-age=60"},
        media_type="application/json",
    )


@lru_cache(maxsize=8)
def _listed(operations: tuple[AnyOperation, ...]) -> bytes:
    """Return the answer's body: made once, since anyone may ask and a schema takes milliseconds to make."""
    return json_bytes({"operations": [describe(operation) for operation in operations]})


def describe(operation: AnyOperation) -> dict[str, Any]:
    """Return an operation's contract as clients read it."""
    return {
        "name": operation.name,
        "version": operation.version,
        "summary": operation.summary,
        "params": operation.params.model_json_schema(),
        "result": operation.result.model_json_schema(mode="serialization"),
        "outputs": [
            {
                "slot": slot.name,
                "file_name": slot.filename,
                "content_type": slot.content_type,
                "max_files": slot.many or 1,
            }
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
        replies=(Reply("Every operation", OperationList),),
        group="Operations",
    ),
)
