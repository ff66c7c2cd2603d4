"""Storing what was made: PUTs to granted addresses, tried again where that may help, and checked."""

import asyncio
import base64
import hashlib
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import structlog
from multidict import CIMultiDict
from pydantic import BaseModel
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from yarl import URL

from shared.errors import OutputInvalid, OutputTooLarge, UploadFailed
from shared.wire.result import StoredOutput
from shared.wire.work_order import UploadGrant
from worker.transfer.connection import STALL_S
from worker.transfer.renewal import Renewals
from worker.transfer.verdict import GrantRefused, WorthRetrying, check_answer

ATTEMPTS = 10
FIRST_PAUSE_S = 0.25
"""With growing pauses about a minute: as long as a server takes to start anew."""
PATIENCE_S = 300.0
LEAST_BYTES_PER_S = 256 << 10
"""All tries together may take PATIENCE_S and, on top, what the file takes at this pace."""
CHUNK_BYTES = 256 << 10
PARALLEL_UPLOADS = 8

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Body:
    """What is sent: the bytes themselves, or the file that holds them; `md5` in hex where somebody will check it."""

    content: bytes | Path
    size_bytes: int
    md5: str | None

    async def chunks(self, stall: asyncio.Timeout) -> AsyncIterator[bytes]:
        """Yield the content; each time that more is wanted, `stall` begins anew."""
        if isinstance(self.content, bytes):
            yield self.content
            return
        loop = asyncio.get_running_loop()
        # Plain reads: the loop is this task's own, and the file was written a moment ago.
        with self.content.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
                stall.reschedule(loop.time() + STALL_S)


@dataclass(frozen=True, slots=True)
class Uploader:
    """Stores files and documents through `session`; with `renewals`, a grant that has ended is replaced once."""

    session: aiohttp.ClientSession
    renewals: Renewals | None = None
    _permits: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PARALLEL_UPLOADS))

    async def file(self, grant: UploadGrant, path: Path, max_bytes: int) -> StoredOutput:
        """PUT a file; OutputInvalid if it is missing, OutputTooLarge above the grant or `max_bytes`, UploadFailed."""
        size_bytes = _size_of(path, min(max_bytes, grant.max_bytes))
        async with self._permits:
            sha256, md5 = await _digests(path, with_md5=grant.content_md5)
            await self._store(grant, _Body(path, size_bytes, md5))
        return StoredOutput(key=grant.key, content_type=grant.content_type, size_bytes=size_bytes, sha256=sha256)

    async def document(self, grant: UploadGrant, document: BaseModel) -> None:
        """PUT a result or a manifest; UploadFailed."""
        content = document.model_dump_json().encode()
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest() if grant.content_md5 else None
        await self._store(grant, _Body(content, len(content), md5))

    async def further_grants(self, item_id: str, slot: str, count: int) -> dict[str, UploadGrant]:
        """Return grants for the first `count` files of a slot with many, by numbered name; none without `renewals`."""
        return {} if self.renewals is None else await self.renewals.further(item_id, slot, count)

    async def _store(self, grant: UploadGrant, body: _Body) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S + body.size_bytes / LEAST_BYTES_PER_S):
                await self._put_renewing(grant, body)
        except TimeoutError as error:
            raise UploadFailed("Storing the file took too long.") from error

    async def _put_renewing(self, grant: UploadGrant, body: _Body) -> None:
        if self.renewals is None:
            await self._put_until_stored(grant, body)
            return
        newest = self.renewals.current(grant)
        try:
            await self._put_until_stored(newest, body)
        except GrantRefused as refused:
            try:
                fresh = await self.renewals.upload(newest)
            except UploadFailed as none:
                raise refused from none
            await self._put_until_stored(fresh, body)

    async def _put_until_stored(self, grant: UploadGrant, body: _Body) -> None:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(WorthRetrying),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause_s,
            before_sleep=_log_failure,
            reraise=True,
        )
        await retrying(_Tries(self.session, grant, body).put_once)


@dataclass(slots=True)
class _Tries:
    """The tries of one PUT, each on a connection of its own.

    A store may refuse before the body has arrived and close; then the refusal is lost in the broken connection. So
    after a break the store is asked first whether it wants the body (RFC 9110 §10.1.1), as not every one can be asked
    always: one that then says nothing gets the body unasked the next time.
    """

    session: aiohttp.ClientSession
    grant: UploadGrant
    body: _Body
    _ask_first: bool = False

    async def put_once(self) -> None:
        """PUT; broken off when no byte moves for STALL_S. WorthRetrying, GrantRefused, UploadFailed."""
        try:
            async with asyncio.timeout(STALL_S) as stall, self._sending(stall) as response:
                await check_answer(response, self.body.md5)
        except TimeoutError as error:
            self._ask_first = False
            raise WorthRetrying("The storage stood still.") from error
        except aiohttp.ClientError as error:
            self._ask_first = True
            raise WorthRetrying from error

    def _sending(self, stall: asyncio.Timeout) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self.session.put(
            URL(self.grant.url, encoded=True),
            data=self.body.chunks(stall),
            headers=_headers(self.grant, self.body),
            expect100=self._ask_first,
            allow_redirects=False,
        )


def _headers(grant: UploadGrant, body: _Body) -> CIMultiDict[str]:
    headers = CIMultiDict({"Content-Type": grant.content_type})
    headers.update(grant.headers)
    # Signed addresses want a length; without it a stream would be sent in chunks.
    headers["Content-Length"] = str(body.size_bytes)
    if body.md5 is not None:
        headers["Content-MD5"] = base64.b64encode(bytes.fromhex(body.md5)).decode()
    return headers


def _pause_s(state: RetryCallState) -> float:
    growing = wait_exponential_jitter(multiplier=FIRST_PAUSE_S, max=40 * FIRST_PAUSE_S, jitter=FIRST_PAUSE_S)
    failure = state.outcome and state.outcome.exception()
    asked_s = failure.retry_after_s if isinstance(failure, WorthRetrying) else 0.0
    return max(growing(state), asked_s)


def _log_failure(state: RetryCallState) -> None:
    failure = state.outcome and state.outcome.exception()
    if isinstance(failure, WorthRetrying):
        log.info("upload.failed_once", attempt=state.attempt_number, reason=failure.detail)


def _size_of(path: Path, max_bytes: int) -> int:
    if not path.is_file() or path.is_symlink():
        raise OutputInvalid(f"The operation did not write the file {path.name}.")
    size_bytes = path.stat().st_size
    if size_bytes > max_bytes:
        raise OutputTooLarge(f"The file {path.name} has {size_bytes} bytes; {max_bytes} are allowed.")
    return size_bytes


async def _digests(path: Path, *, with_md5: bool) -> tuple[str, str | None]:
    """Return the SHA-256 and the MD5 (hex) of a file, each found by a thread of its own."""
    stop = threading.Event()
    names = ("sha256", "md5") if with_md5 else ("sha256",)
    try:
        found = await asyncio.gather(*(asyncio.to_thread(_digest, path, name, stop) for name in names))
    finally:
        stop.set()  # Nobody waits for it any more.
    return found[0], found[1] if with_md5 else None


def _digest(path: Path, name: str, stop: threading.Event) -> str:
    digest = hashlib.new(name, usedforsecurity=False)
    with path.open("rb") as file:
        while not stop.is_set() and (chunk := file.read(CHUNK_BYTES)):
            digest.update(chunk)
    return digest.hexdigest()
