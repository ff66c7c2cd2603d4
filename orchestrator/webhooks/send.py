"""Sending an event once: signed anew, to an address that is checked anew, and what came back in a few words."""

import asyncio
import time
from collections.abc import Sequence

import aiohttp

from orchestrator.webhooks.lanes import DueEvent
from orchestrator.webhooks.schedule import retry_after_s
from orchestrator.webhooks.tries import Try
from shared.errors import SourceBlocked, SourceInvalid
from shared.fetch_guard import GuardedSession, check_webhook_address, guarded_post
from shared.webhooks.signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

MAX_RESPONSE_BYTES = 1024
"""How much of a receiver's answer is kept."""


async def send(
    client: GuardedSession,
    event: DueEvent,
    secrets: Sequence[str],
    *,
    try_id: str,
    now_ms: int,
    timeout_s: float,
    allow_private: Sequence[str],
) -> Try:
    """Send `event` once and return what came of it, within `timeout_s`; no answer is an error here."""
    body = event.body.encode()
    headers = {
        "Content-Type": "application/json",
        ID_HEADER: event.id,
        TIMESTAMP_HEADER: str(now_ms // 1000),
        SIGNATURE_HEADER: sign(secrets, event.id, now_ms // 1000, body),
    }
    started_s = time.perf_counter()
    status, text, wait_s = None, None, None
    try:
        check_webhook_address(event.url, allow_private)  # what the operator has opened may have been closed again
        async with asyncio.timeout(timeout_s), guarded_post(client, event.url, body, headers) as answer:
            status, wait_s = answer.status, retry_after_s(answer.headers.get("Retry-After"), now_ms)
            text = _text(await _beginning(answer))
        error = "redirects are not followed" if 300 <= status < 400 else None
    except Exception as failed:  # noqa: BLE001 - whatever it is, it belongs into the log of this event and nowhere else
        error = _reason(failed, timeout_s)
    return Try(
        id=try_id,
        at_ms=now_ms,
        duration_ms=round((time.perf_counter() - started_s) * 1000),
        http_status=status,
        response=text,
        error=error,
        retry_after_s=wait_s,
    )


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """Read no more than is kept: the rest is dropped with the connection."""
    kept = b""
    while len(kept) < MAX_RESPONSE_BYTES and (part := await answer.content.read(MAX_RESPONSE_BYTES - len(kept))):
        kept += part
    return kept


def _text(kept: bytes) -> str:
    return kept.decode(errors="replace").replace("\0", "\ufffd")  # PostgreSQL stores no NUL


def _reason(failed: Exception, timeout_s: float) -> str:
    """Return what a person is told of a try without an answer; nothing of our network's inside."""
    match failed:
        case SourceBlocked():
            return "the address is not a public one"
        case SourceInvalid():
            return failed.detail
        case TimeoutError():
            return f"no answer within {timeout_s:g} s"
        case aiohttp.ClientConnectorDNSError():
            return "the name can't be resolved"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "no valid TLS connection"
        case aiohttp.ClientConnectorError():
            return "the connection was refused"
        case aiohttp.ClientError() | OSError():
            return "the connection broke off before the answer was complete"
        case _:
            return f"the answer can't be understood ({type(failed).__name__})"
