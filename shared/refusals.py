"""Refused requests: what is answered with a 4xx. Nothing was stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import RevelaError


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault in a request: a JSON pointer (RFC 6901) and a sentence a person can act on."""

    pointer: str
    detail: str


class RequestError(RevelaError):
    """The request can't be taken."""

    code = "bad-request"
    status = 400

    def __init__(self, detail: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        """`errors` point at the fields at fault."""
        super().__init__(detail)
        self.errors = tuple(errors)


class InvalidJson(RequestError):
    """The body is not valid JSON."""

    code = "invalid-json"


class InvalidRequest(RequestError):
    """The request does not fit the contract; see errors."""

    code = "validation-failed"
    status = 422


class UnknownOperation(RequestError):
    """There is no operation of that name; GET /v1/operations lists them."""

    code = "unknown-operation"
    status = 422


class PayloadTooLarge(RequestError):
    """The body is larger than this server takes."""

    code = "payload-too-large"
    status = 413


class UnsupportedMediaType(RequestError):
    """The body must be application/json in UTF-8."""

    code = "unsupported-media-type"
    status = 415


class Unauthenticated(RequestError):
    """A valid API key is needed, in X-API-Key or Authorization: Bearer."""

    code = "unauthenticated"
    status = 401


class Forbidden(RequestError):
    """This key lacks the scope that the request needs."""

    code = "forbidden"
    status = 403


class LinkInvalid(RequestError):
    """This link or token was not issued by this server."""

    code = "signature-invalid"
    status = 403


class LinkExpired(RequestError):
    """This link has expired."""

    code = "link-expired"
    status = 410


class NotFound(RequestError):
    """There is nothing here."""

    code = "not-found"
    status = 404


class MethodNotAllowed(RequestError):
    """This address does not take that method."""

    code = "method-not-allowed"
    status = 405


class Conflict(RequestError):
    """The request does not fit the present state."""

    code = "conflict"
    status = 409


class RangeNotSatisfiable(RequestError):
    """The asked range lies outside the file."""

    code = "range-not-satisfiable"
    status = 416
