"""One method of one address, declared beside the function that answers it: the router and the API's description are
made of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.caller import Caller
from orchestrator.services import Services
from shared.errors import RevelaError

OpenAnswerer = Callable[[Services, Request], Awaitable[Response]]
KeyedAnswerer = Callable[[Services, Request, Caller], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Header:
    """A header of a request or of an answer."""

    name: str
    description: str
    example: str | None = None
    kind: Literal["string", "integer"] = "string"
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One way in which a request succeeds; refusals are listed by their classes."""

    description: str
    model: type[BaseModel] | None = None
    status: HTTPStatus = HTTPStatus.OK
    media_type: str | None = "application/json"
    """None for an answer without a body."""
    headers: tuple[Header, ...] = ()
    example: Any = None
    """With a model: the fields in which an example differs from the one that the model's own fields make."""
    events: Mapping[str, type[BaseModel]] | None = None
    """Of a stream: what the data of each kind of event is."""


@dataclass(frozen=True, slots=True)
class Described:
    """What is asked, who may ask, and what is answered.

    `refusals` need not name what follows from the rest: no key, no scope, too many requests (with a scope), a bad
    query or body (with one), nothing there (with a parameter in the path), a part of the server that is away.
    """

    method: str
    path: str
    summary: str
    replies: tuple[Reply, ...]
    keyed: KeyedAnswerer | None = None
    """Answers those whose key has `scope`; without one, every valid key."""
    linked: OpenAnswerer | None = None
    """Answers, in the place of `keyed`, requests whose query has a `token`: the answerer looks whether it is good."""
    open: OpenAnswerer | None = None
    """Answers everyone."""
    scope: str | None = None
    query: type[BaseModel] | None = None
    headers: tuple[Header, ...] = ()
    body: type[BaseModel] | None = None
    body_example: Any = None
    body_required: bool = True
    refusals: tuple[type[RevelaError], ...] = ()
    group: str = "Jobs"
    listed: bool = True
    """Whether the description shows it: capabilities that only machines follow need no documentation."""
