"""Fetching the inputs of a task: each source once, capped in bytes and time, kept while an item needs it."""

import asyncio
import errno
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from yarl import URL

from shared.errors import (
    InputUnavailable,
    MediaEmpty,
    SourceEncoding,
    SourceInvalid,
    SourceNotFound,
    SourceRefused,
    SourceTimeout,
    SourceTooLarge,
    SourceUnavailable,
    UploadFailed,
    WorkerDiskFull,
)
from shared.fetch_guard import GuardedSession, guarded_get
from shared.wire.work_order import InputGrant
from worker.context import LocalFile
from worker.transfer.renewal import Renewals

ATTEMPTS = 3
CHUNK_BYTES = 256 << 10
PARALLEL_DOWNLOADS = 8


@dataclass(frozen=True, slots=True)
class Clients:
    """`own` speaks to our storage, `user` to any address that a user may name."""

    own: aiohttp.ClientSession
    user: GuardedSession


async def download(clients: Clients, grant: InputGrant, target: Path, *, max_bytes: int, timeout_s: float) -> LocalFile:
    """Save a source as `target`; every error of the fetch stage, MediaEmpty, WorkerDiskFull.

    Retries within `timeout_s` what may pass: broken connections, cut bodies, 408, 425, 429 and 5xx.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(SourceUnavailable),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(multiplier=0.2, max=2, jitter=0.2),
        reraise=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            return LocalFile(target, await retrying(_download_once, clients, grant, target, max_bytes))
    except TimeoutError as error:
        raise SourceTimeout from error


async def _download_once(clients: Clients, grant: InputGrant, target: Path, max_bytes: int) -> int:
    try:
        async with _open(clients, grant) as response:
            _check_answer(response, max_bytes)
            _check_version(response, grant)
            return await _save(response, target, max_bytes)
    except aiohttp.InvalidURL as error:
        raise SourceInvalid from error
    except aiohttp.ClientError as error:
        raise SourceUnavailable from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise WorkerDiskFull from error
        raise


@asynccontextmanager
async def _open(clients: Clients, grant: InputGrant) -> AsyncIterator[aiohttp.ClientResponse]:
    if grant.origin == "user":
        async with guarded_get(clients.user, grant.url) as response:
            yield response
    else:
        async with clients.own.get(URL(grant.url, encoded=True), headers={"Accept-Encoding": "identity"}) as response:
            yield response


def _check_answer(response: aiohttp.ClientResponse, max_bytes: int) -> None:
    """Refuse, before any of the body is read, what the head gives away."""
    match response.status:
        case 200:
            pass
        case 404 | 410:
            raise SourceNotFound
        case 408 | 425 | 429:
            raise SourceUnavailable
        case status if status >= 500:
            raise SourceUnavailable
        case status:
            raise SourceRefused(f"The source's server answered with status {status}.")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise SourceEncoding
    if (response.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)


def _check_version(response: aiohttp.ClientResponse, grant: InputGrant) -> None:
    """Raise InputUnavailable where the file is another one than was uploaded."""
    found = response.headers.get("ETag", "").removeprefix("W/").strip('"')
    if grant.etag is not None and found != grant.etag:
        raise InputUnavailable("The uploaded file was replaced after its upload was completed.")


async def _save(response: aiohttp.ClientResponse, target: Path, max_bytes: int) -> int:
    """Stream the body to disk and return its size; the loop is this task's own, so plain writes hold up nobody."""
    size_bytes = 0
    with target.open("wb") as file:
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            size_bytes += len(chunk)
            if size_bytes > max_bytes:
                raise _too_large(max_bytes)
            file.write(chunk)
    if size_bytes == 0:
        raise MediaEmpty
    return size_bytes


def _too_large(max_bytes: int) -> SourceTooLarge:
    return SourceTooLarge(f"The source is larger than the {max_bytes} bytes that this operation takes.")


class Sources:
    """The inputs of one task: fetched once, shared by the items that name them, deleted after the last."""

    def __init__(
        self,
        clients: Clients,
        grants: Mapping[str, InputGrant],
        folder: Path,
        *,
        max_bytes: int,
        timeout_s: float,
        uses: Iterable[str],
        renewals: Renewals | None = None,
    ) -> None:
        """`uses` names each source as often as there are items that will release it."""
        self._renewals = renewals
        self._clients = clients
        self._grants = grants
        self._folder = folder
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._uses = Counter(uses)
        self._downloads: dict[str, asyncio.Task[LocalFile]] = {}
        self._permits = asyncio.Semaphore(PARALLEL_DOWNLOADS)

    async def fetch(self, source: str) -> LocalFile:
        """Return the local file; the errors of `download`, InputUnavailable for one without a grant."""
        if source not in self._grants:
            raise InputUnavailable
        if source not in self._downloads:
            target = self._folder / f"source-{len(self._downloads)}"
            self._downloads[source] = asyncio.create_task(self._download(source, self._grants[source], target))
        # Shielded: the source may be another item's as well.
        return await asyncio.shield(self._downloads[source])

    async def _download(self, source: str, grant: InputGrant, target: Path) -> LocalFile:
        max_bytes = min(self._max_bytes, grant.max_bytes)
        async with self._permits:
            try:
                return await self._download_renewing(source, grant, target, max_bytes)
            except BaseException:
                _discard(target)
                raise

    async def _download_renewing(self, source: str, grant: InputGrant, target: Path, max_bytes: int) -> LocalFile:
        """Download; an address of our own storage that may have ended is replaced once."""
        try:
            return await download(self._clients, grant, target, max_bytes=max_bytes, timeout_s=self._timeout_s)
        except (SourceRefused, SourceNotFound) as refused:
            if grant.origin != "own" or self._renewals is None:
                raise
            try:
                fresh = await self._renewals.input(source, grant)
            except UploadFailed as none:
                raise refused from none
            if fresh is None:
                raise
        fresh = fresh.model_copy(update={"etag": grant.etag})
        return await download(self._clients, fresh, target, max_bytes=max_bytes, timeout_s=self._timeout_s)

    def release(self, source: str) -> None:
        """Say that one item is done with it; the last one deletes the file."""
        self._uses[source] -= 1
        if self._uses[source] > 0 or source not in self._downloads:
            return
        task = self._downloads[source]
        if not task.done():
            task.cancel()
        elif not task.cancelled() and task.exception() is None:
            _discard(task.result().path)

    async def close(self) -> None:
        """Stop what is still under way."""
        for task in self._downloads.values():
            task.cancel()
        await asyncio.gather(*self._downloads.values(), return_exceptions=True)


def _discard(path: Path) -> None:
    path.unlink(missing_ok=True)
