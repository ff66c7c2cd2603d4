"""The endpoint's webhook: a hint that a task may have ended, never believed."""

import json
import re

from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.described import Described, Reply
from orchestrator.relay.hint import named_attempt, receive_hint
from orchestrator.services import Services
from shared.refusals import PayloadTooLarge

MAX_HOOK_BYTES = 32 << 20
"""RunPod sends the whole of a task's result, 20 MB at most, with JSON around it."""
READ_HOOK_BYTES = 64 << 10
"""Only bodies up to this size are looked into (our workers answer with references, under 1 kB); a longer one still
counts as a hint, by its token."""

_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""It becomes part of the addresses that are asked with our key, so nothing that could lead to another one."""


async def endpoint_hook(services: Services, request: Request) -> Response:
    """``POST /hooks/endpoint/{token}``: 200 once noted; 403 for a token that is not ours."""
    attempt = named_attempt(services, request.path_params["token"])
    await receive_hint(services, attempt, _task_id(await _short_body(request)))
    return Response(status_code=200)


async def _short_body(request: Request) -> bytes:
    """Read everything; keep it only while it is short."""
    kept, size_bytes = bytearray(), 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > MAX_HOOK_BYTES:
            raise PayloadTooLarge
        if size_bytes <= READ_HOOK_BYTES:
            kept += chunk
    return bytes(kept) if size_bytes <= READ_HOOK_BYTES else b""


def _task_id(body: bytes) -> str | None:
    """Return the endpoint's id of its task, if the body holds one."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    task_id = told.get("id") if isinstance(told, dict) else None
    return task_id if isinstance(task_id, str) and _TASK_ID.fullmatch(task_id) else None


ROUTES = (
    Described(
        "POST",
        "/hooks/endpoint/{token}",
        "Take the endpoint's hint",
        open=endpoint_hook,
        replies=(Reply("Noted", media_type=None),),
        listed=False,
    ),
)
