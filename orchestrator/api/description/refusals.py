"""Which refusals a route can meet: its own, and those that follow from what it is."""

from collections import defaultdict

from orchestrator.api.description.schemas import Json, Schemas
from orchestrator.api.door.described import Described
from orchestrator.api.door.problems import problem_of
from shared.errors import AdapterError, RevelaError, StoreUnavailable
from shared.refusals import (
    FieldError,
    Forbidden,
    InvalidJson,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    RequestError,
    RequestTimeout,
    TenantSuspended,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMediaType,
)
from shared.wire.problem import Problem

_KEYED = (Unauthenticated, Forbidden, TenantSuspended, TooManyRequests, StoreUnavailable)
_WITH_A_BODY = (InvalidJson, RequestTimeout, PayloadTooLarge, UnsupportedMediaType, InvalidRequest)
_REQUEST_ID = "0d1f4c8e5a7b9263"

_RETRY_AFTER: Json = {"description": "Seconds until another try is worth it", "schema": {"type": "integer"}}
_HEADERS: dict[int, Json] = {
    401: {"WWW-Authenticate": {"description": "How to prove who you are", "schema": {"type": "string"}}},
    429: {"Retry-After": _RETRY_AFTER},
    503: {"Retry-After": _RETRY_AFTER},
}
"""What a refusal of that status carries beside its body."""


def refusals_of(described: Described) -> tuple[type[RevelaError], ...]:
    """Return the classes of everything that can be said instead of a reply, each once."""
    implied: list[type[RevelaError]] = []
    if described.keyed is not None:
        implied += _KEYED
    if described.body is not None:
        implied += _WITH_A_BODY
    if described.query is not None:
        implied.append(InvalidRequest)
    if "{" in described.path:
        implied.append(NotFound)
    return tuple(dict.fromkeys((*implied, *described.refusals, RevelaError)))


def refusal_responses(described: Described, schemas: Schemas) -> Json:
    """Return a response for each status that a refusal can have, with its codes as named examples."""
    by_status: dict[int, list[type[RevelaError]]] = defaultdict(list)
    for refusal in refusals_of(described):
        by_status[refusal.status].append(refusal)
    problem = schemas.reference(Problem, "serialization")
    return {
        str(status): {
            "description": " ".join(dict.fromkeys(refusal().detail for refusal in refusals)),
            "headers": _HEADERS.get(status, {}),
            "content": {
                "application/problem+json": {
                    "schema": problem,
                    "examples": {
                        refusal.code: {"$ref": f"#/components/examples/{refusal.code}"} for refusal in refusals
                    },
                }
            },
        }
        for status, refusals in sorted(by_status.items())
    }


def problem_examples(described: tuple[Described, ...]) -> Json:
    """Return an example of each refusal that any of the routes can meet, by its code."""
    classes = {refusal.code: refusal for route in described for refusal in refusals_of(route)}
    return {
        code: {"summary": refusal().detail, "value": _example(refusal)} for code, refusal in sorted(classes.items())
    }


def _example(refusal: type[RevelaError]) -> Json:
    error = refusal()
    if issubclass(refusal, InvalidRequest):
        error = refusal(errors=[FieldError("/items/0/fps", "Input should be less than or equal to 120")])
    if not issubclass(refusal, RequestError | AdapterError):
        error = RevelaError()
    return problem_of(error, _REQUEST_ID).model_dump(mode="json", exclude_none=True, by_alias=True)
