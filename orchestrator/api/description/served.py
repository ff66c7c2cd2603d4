"""The routes of the description itself: the document, and the page that is made from it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.description.document import describe_api
from orchestrator.api.door.answers import json_bytes
from orchestrator.api.door.described import Described, Header, Reply
from orchestrator.services import Services
from shared.refusals import NotFound

_SCRIPT = "text/javascript; charset=utf-8"
PAGE_FILES = {
    "page.css": "text/css; charset=utf-8",
    **dict.fromkeys(("page.js", "elements.js", "schemas.js", "request.js", "route.js"), _SCRIPT),
}
"""What the page loads, beside the document."""

_PAGE_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_CACHE = "public, max-age=60"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A body that never changes while the server runs."""

    body: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, media_type: str) -> "_Kept":
        return cls(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:16]}"')

    def response(self, request: Request, headers: dict[str, str] | None = None) -> Response:
        told = {"etag": self.etag, "cache-control": _CACHE, **(headers or {})}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=told)
        return Response(self.body, headers=told, media_type=self.media_type)


class OwnDescription:
    """Answers with the description of all routes, itself among them; made at the first request, once."""

    def __init__(self, described: Callable[[], tuple[Described, ...]]) -> None:
        self._described = described
        self._kept: _Kept | None = None

    async def get_openapi(self, services: Services, request: Request) -> Response:
        """``GET /openapi.json``: this description, as OpenAPI 3.1."""
        if self._kept is None:
            document = describe_api(self._described(), services.catalogue, services.settings.public_url)
            self._kept = _Kept.of(json_bytes(document), "application/json")
        return self._kept.response(request)


async def get_docs(services: Services, request: Request) -> Response:  # noqa: ARG001
    """``GET /docs``: a page to read this description in, and to try it; it loads nothing from elsewhere."""
    return _file("page.html", "text/html; charset=utf-8").response(request, _PAGE_HEADERS)


async def read_docs_file(services: Services, request: Request) -> Response:  # noqa: ARG001
    """``GET /docs/{file}``: what the page is made of."""
    name = request.path_params["file"]
    if name not in PAGE_FILES:
        raise NotFound
    return _file(name, PAGE_FILES[name]).response(request, {"x-content-type-options": "nosniff"})


@cache
def _file(name: str, media_type: str) -> _Kept:
    return _Kept.of(files(__package__).joinpath("page", name).read_bytes(), media_type)


_IF_NONE_MATCH = Header("If-None-Match", "The ETag of what is known already", '"0d1f4c8e5a7b9263"')
_ETAG = Header("ETag", "The version of what is sent", '"0d1f4c8e5a7b9263"')
_UNCHANGED = Reply("Nothing has changed", status=HTTPStatus.NOT_MODIFIED, media_type=None, headers=(_ETAG,))


def description_routes(described: Callable[[], tuple[Described, ...]]) -> tuple[Described, ...]:
    """Return the routes; those of one server share one document, made of what `described` returns."""
    return (
        Described(
            "GET",
            "/openapi.json",
            "Read this description",
            open=OwnDescription(described).get_openapi,
            headers=(_IF_NONE_MATCH,),
            replies=(Reply("OpenAPI 3.1", headers=(_ETAG,)), _UNCHANGED),
            group="Server",
        ),
        Described(
            "GET",
            "/docs",
            "Read and try this description in a browser",
            open=get_docs,
            headers=(_IF_NONE_MATCH,),
            replies=(Reply("The page", media_type="text/html", headers=(_ETAG,)), _UNCHANGED),
            group="Server",
        ),
        Described(
            "GET",
            "/docs/{file}",
            "Fetch what the page is made of",
            open=read_docs_file,
            replies=(Reply("The file", media_type="*/*"),),
            listed=False,
        ),
    )
