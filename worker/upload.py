"""Storing what was made: PUTs to granted addresses, hashed on the way, tried again where that may help."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from multidict import CIMultiDict
from pydantic import BaseModel
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from yarl import URL

from shared.errors import OutputInvalid, OutputTooLarge, UploadFailed
from shared.wire.result import StoredOutput
from shared.wire.work_order import UploadGrant

ATTEMPTS = 10
FIRST_PAUSE_S = 0.25
"""With growing pauses about a minute: as long as a server takes to start anew."""
CHUNK_BYTES = 1 << 20


class _WorthRetrying(UploadFailed):
    """The storage can't be reached or asks for patience."""


async def upload_file(session: aiohttp.ClientSession, grant: UploadGrant, path: Path, max_bytes: int) -> StoredOutput:
    """PUT a file; OutputInvalid if it is missing, OutputTooLarge above the grant or `max_bytes`, UploadFailed."""
    size_bytes = _size_of(path, min(max_bytes, grant.max_bytes))
    sha256: str = await _retrying()(_put_file, session, grant, path, size_bytes)
    return StoredOutput(key=grant.key, content_type=grant.content_type, size_bytes=size_bytes, sha256=sha256)


async def upload_json(session: aiohttp.ClientSession, grant: UploadGrant, document: BaseModel) -> None:
    """PUT a result or a manifest; UploadFailed."""
    await _retrying()(_put, session, grant, document.model_dump_json().encode())


def _size_of(path: Path, max_bytes: int) -> int:
    if not path.is_file() or path.is_symlink():
        raise OutputInvalid(f"The operation did not write the file {path.name}.")
    size_bytes = path.stat().st_size
    if size_bytes > max_bytes:
        raise OutputTooLarge(f"The file {path.name} has {size_bytes} bytes; {max_bytes} are allowed.")
    return size_bytes


def _retrying() -> AsyncRetrying:
    return AsyncRetrying(
        retry=retry_if_exception_type(_WorthRetrying),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(multiplier=FIRST_PAUSE_S, max=40 * FIRST_PAUSE_S, jitter=FIRST_PAUSE_S),
        reraise=True,
    )


async def _put_file(session: aiohttp.ClientSession, grant: UploadGrant, path: Path, size_bytes: int) -> str:
    """PUT once; return the hash of what went out."""
    digest = hashlib.sha256()

    async def chunks() -> AsyncIterator[bytes]:
        # Plain reads: the loop is this task's own, and the file was written a moment ago.
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                yield chunk

    await _put(session, grant, chunks(), size_bytes)
    return digest.hexdigest()


async def _put(
    session: aiohttp.ClientSession,
    grant: UploadGrant,
    body: bytes | AsyncIterator[bytes],
    size_bytes: int | None = None,
) -> None:
    headers = CIMultiDict({"Content-Type": grant.content_type})
    headers.update(grant.headers)
    if size_bytes is not None:
        # Signed addresses want a length; without it a stream would be sent in chunks.
        headers["Content-Length"] = str(size_bytes)
    try:
        async with session.put(
            URL(grant.url, encoded=True), data=body, headers=headers, allow_redirects=False
        ) as response:
            status = response.status
    except aiohttp.ClientError as error:
        raise _WorthRetrying from error
    if status in (408, 425, 429) or status >= 500:
        raise _WorthRetrying(f"The storage answered with status {status}.")
    if not 200 <= status < 300:
        raise UploadFailed(f"The storage refused the file with status {status}.")
