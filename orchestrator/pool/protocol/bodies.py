"""What stands in the pool's requests and answers: the credential, the body, JSON."""

import asyncio
import json
from typing import Any

from starlette.requests import Request

THREAD_ABOVE_BYTES = 256 << 10
"""JSON larger than this is read and written in a thread: it would hold the event loop for milliseconds."""

_HEAD_BYTES = 64


def bearer(request: Request) -> str:
    """Return the credential of `Authorization`, which RunPod's own programs send with and without `Bearer`."""
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()


async def read_body(request: Request, max_bytes: int) -> tuple[bytes, bytes | None]:
    """Return the body's first bytes and the whole of it; None if it is larger than `max_bytes`.

    Even then it is read to its end: a client that is cut off while it writes would not read the answer.
    """
    head, body, size_bytes = b"", bytearray(), 0
    async for chunk in request.stream():
        head += chunk[: _HEAD_BYTES - len(head)]
        size_bytes += len(chunk)
        if size_bytes <= max_bytes:
            body += chunk
    return head, bytes(body) if size_bytes <= max_bytes else None


async def parse_json(body: bytes) -> Any:
    """Return the value of a JSON text; ValueError if it is none, or holds NaN or infinity."""
    if len(body) > THREAD_ABOVE_BYTES:
        return await asyncio.to_thread(_parse, body)
    return _parse(body)


async def write_json(value: Any) -> str:
    """Return a JSON text, in ASCII: half of a surrogate pair, which JSON may hold, fits into no UTF-8."""
    return await asyncio.to_thread(json.dumps, value)


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
