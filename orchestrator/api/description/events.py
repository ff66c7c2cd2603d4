"""What the server sends of its own accord: the events of a job's stream, and webhooks."""

from collections.abc import Mapping

from pydantic import BaseModel

from orchestrator.api.description.examples import example_of
from orchestrator.api.description.parameters import header_object
from orchestrator.api.description.schemas import Json, Schemas
from orchestrator.api.door.described import Header
from shared.wire.status import JobEvent, Status
from shared.wire.webhook import WebhookEvent

_SIGNED = (
    Header("webhook-id", "The event's id, the same on every try", "evt_01K9ZV6Q0S8M7D3X5B2C4F6G8H"),
    Header("webhook-timestamp", "When this try was made, in seconds since 1970", "1779971421"),
    Header(
        "webhook-signature",
        "Of id, timestamp and body, by Standard Webhooks; several, with spaces between, while the secret changes",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
)
_ANSWERS: Json = {
    "2XX": {"description": "Taken, if it came whole within 15 seconds"},
    "410": {"description": "The address is wanted no more: it is disabled, and sent nothing from now on"},
    "default": {"description": "Not taken, nor is a redirect: it is tried again, with the same id and body"},
}
_HAPPENED = {
    JobEvent.STARTED: "The first worker has begun; sent only if `webhook_events` names it",
    JobEvent.COMPLETED: "All items are finished",
    JobEvent.COMPLETED_WITH_ERRORS: "Some items are finished, some failed",
    JobEvent.FAILED: "No item is finished",
    JobEvent.CANCELLED: "The job was cancelled; finished items keep their files",
    JobEvent.TIMED_OUT: "No item was finished in time",
}


def stream_item(events: Mapping[str, type[BaseModel]], schemas: Schemas) -> Json:
    """Return what each event of a stream is, in the form of OpenAPI 3.2's `itemSchema`, which 3.1 has not yet."""
    return {"oneOf": [_of_kind(kind, schemas.reference(model, "serialization")) for kind, model in events.items()]}


def told_in_words(events: Mapping[str, type[BaseModel]]) -> str:
    """Return the same for a reader."""
    each = ", ".join(f"a `{model.__name__}` for `{kind}`" for kind, model in events.items())
    return f"`data` is JSON: {each}"


def _of_kind(kind: str, data: Json) -> Json:
    return {
        "type": "object",
        "required": ["event", "data"],
        "properties": {
            "event": {"type": "string", "const": kind},
            "id": {"type": "string"},
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": data},
        },
    }


def webhooks(schemas: Schemas) -> Json:
    """Return every event that a job's `webhook` may be sent."""
    return {event.value: {"post": _webhook(event, schemas)} for event in JobEvent}


def _webhook(event: JobEvent, schemas: Schemas) -> Json:
    schema = schemas.reference(WebhookEvent, "serialization")
    name = "".join(word.capitalize() for word in event.value.replace(".", "_").split("_"))
    return {
        "operationId": f"receive{name}",
        "tags": ["Webhooks"],
        "summary": _HAPPENED[event],
        "description": "Sent to the job's `webhook`, signed; see `webhook_events` of a new job.",
        "security": [],
        "parameters": [
            {"in": "header", "name": header.name, "required": True, **header_object(header)} for header in _SIGNED
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema, "example": _example(event, example_of(schema, schemas))}
            },
        },
        "responses": _ANSWERS,
    }


def _example(event: JobEvent, example: Json) -> Json:
    """Return the event of a job of one item, which stands where the event says."""
    [status] = [status for status in Status if JobEvent.of(status) is event]
    finished = event in (JobEvent.COMPLETED, JobEvent.COMPLETED_WITH_ERRORS)
    job = example["data"]["job"]
    [item] = job["items"]
    one = {**item, "status": Status.COMPLETED if finished else status, **({} if finished else {"output": {}})}
    ended = {"progress": None, "completed_at": "2026-05-04T12:30:21Z"} if status.terminal else {}
    return {
        **example,
        "type": event,
        "data": {**example["data"], "job": {**job, "status": status, **ended, "items": [one]}},
    }
