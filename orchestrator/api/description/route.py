"""One described route as OpenAPI tells it: parameters, body, answers, and who may ask."""

import inspect
import re
from collections import defaultdict
from collections.abc import Mapping
from http import HTTPStatus

from orchestrator.api.description.events import stream_item, told_in_words
from orchestrator.api.description.examples import example_of
from orchestrator.api.description.job_request import job_examples, job_request
from orchestrator.api.description.parameters import header_object, parameters_of
from orchestrator.api.description.refusals import refusal_responses
from orchestrator.api.description.schemas import Json, Schemas
from orchestrator.api.door.described import Described, Header, Reply
from shared.operation import AnyOperation
from shared.wire.job import JobRequest

REQUEST_ID = Header("X-Request-Id", "Names this request in the server's log", "0d1f4c8e5a7b9263")
RATE_LIMITS = (
    Header("RateLimit-Policy", "How often the key may ask, by policy: q requests in w seconds", '"minute";q=3000;w=60'),
    Header(
        "RateLimit", "What is left of each policy: r requests now, one more after t seconds", '"minute";r=2990;t=42'
    ),
)
"""On the answers to a valid key, unless the server has no limits."""

_OWN_ROUTE = re.compile(r"^``[A-Z]+ [^`]+``:\s*")


def operation_id(described: Described) -> str:
    """Return a route's own name, such as ``submitJob``: that of the function that answers it, as clients' names are."""
    verb, *rest = str((described.keyed or described.open).__name__).split("_")  # type: ignore[union-attr]
    return verb + "".join(word.capitalize() for word in rest)


def route_object(described: Described, schemas: Schemas, catalogue: Mapping[str, AnyOperation]) -> Json:
    """Return a route's part of the description."""
    made: Json = {
        "operationId": operation_id(described),
        "tags": [described.group],
        "summary": described.summary,
        "description": _description(described),
        "security": _security(described),
        "parameters": parameters_of(described, schemas),
        "responses": {**_replies(described, schemas), **refusal_responses(described, schemas)},
    }
    if described.body is not None:
        made["requestBody"] = {"required": described.body_required, "content": _body(described, schemas, catalogue)}
    for status, response in made["responses"].items():
        usual = (REQUEST_ID, *(RATE_LIMITS if described.keyed is not None and status != "401" else ()))
        response["headers"] = {header.name: header_object(header) for header in usual} | response["headers"]
    return made


def _description(described: Described) -> str:
    """Return what the answering function's docstring says, without the route it begins with."""
    text = _OWN_ROUTE.sub("", inspect.getdoc(described.keyed or described.open) or described.summary)
    text = re.sub(r"\s+", " ", text).replace("``", "`").strip()
    return text[:1].upper() + text[1:]


def _security(described: Described) -> list[Json]:
    if described.keyed is None:
        return []
    scopes = [] if described.scope is None else [described.scope]
    without: list[Json] = [] if described.linked is None else [{}]  # the query's token stands for a key
    return [{"ApiKey": scopes}, {"Bearer": scopes}, *without]


def _body(described: Described, schemas: Schemas, catalogue: Mapping[str, AnyOperation]) -> Json:
    assert described.body is not None  # noqa: S101 - asked only with one
    if described.body is JobRequest:
        content: Json = {"schema": job_request(schemas, catalogue), "examples": job_examples(schemas, catalogue)}
    else:
        schema = schemas.reference(described.body, "validation")
        example = described.body_example or example_of(schema, schemas, whole=False)
        content = {"schema": schema, "example": example}
    return {"application/json": content}


def _replies(described: Described, schemas: Schemas) -> Json:
    """Return a response for each status; two replies with one status are told as one."""
    by_status: dict[HTTPStatus, list[Reply]] = defaultdict(list)
    for reply in described.replies:
        by_status[reply.status].append(reply)
    return {str(int(status)): _response(replies, schemas) for status, replies in by_status.items()}


def _response(replies: list[Reply], schemas: Schemas) -> Json:
    headers = {header.name: header_object(header) for reply in replies for header in reply.headers}
    made: Json = {"description": "; or ".join(map(_told, replies)), "headers": headers}
    by_type: dict[str, list[Json]] = defaultdict(list)
    for reply in replies:
        if reply.media_type is not None:
            by_type[reply.media_type].append(_content(reply, schemas))
    if by_type:
        made["content"] = {media_type: _one_of(contents) for media_type, contents in by_type.items()}
    return made


def _told(reply: Reply) -> str:
    return reply.description if reply.events is None else f"{reply.description}. {told_in_words(reply.events)}"


def _one_of(contents: list[Json]) -> Json:
    if len(contents) == 1:
        return contents[0]
    return {
        "schema": {"anyOf": [content["schema"] for content in contents]},
        "examples": {
            content["schema"]["$ref"].rpartition("/")[2]: {"value": content["example"]} for content in contents
        },
    }


def _content(reply: Reply, schemas: Schemas) -> Json:
    if reply.events is not None:
        return {"example": reply.example, "x-itemSchema": stream_item(reply.events, schemas)}
    if reply.model is None:
        return {} if reply.example is None else {"example": reply.example}
    schema = schemas.reference(reply.model, "serialization")
    return {"schema": schema, "example": example_of(schema, schemas) | (reply.example or {})}
