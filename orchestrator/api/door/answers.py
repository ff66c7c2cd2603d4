"""Answers in JSON."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response


def json_bytes(content: Any) -> bytes:
    """Return compact JSON; pydantic's writer is several times faster than the standard library's."""
    return to_json(content)


def json_response(
    body: bytes, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Return JSON as an answer that no cache may keep without asking: who may see it hangs on the key."""
    return Response(
        body, status, {"cache-control": "private, no-cache", **(headers or {})}, media_type="application/json"
    )
