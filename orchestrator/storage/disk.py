"""Storage on this machine's disk, reached through this server's own signed addresses."""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from orchestrator.storage import walk
from orchestrator.storage.durable import Draft, check_room, disk_errors, etag_of
from orchestrator.storage.keys import job_of
from orchestrator.storage.parts import PartDraft, PartsFolder
from orchestrator.storage.port import Honours, ListedObject, LocalDownload, SignedPut, StoredObject, StoredPart
from shared.clock import Clock
from shared.errors import StorageUnavailable
from shared.refusals import LinkExpired, LinkInvalid, NotFound, PayloadTooLarge, RequestError
from shared.signing import Signer
from shared.wire.work_order import UploadGrant

UPLOAD_PURPOSE = "upload"
READ_PURPOSE = "read"
"""What the two kinds of addresses are signed for."""

CHUNK_BYTES = 1 << 20
"""Uploads are written in pieces of this size: large enough that the way to a thread and back costs nothing."""

_INCOMING = "~incoming"
_PARTS = "~parts"
"""Hold unfinished uploads; `~` stands in no key."""
_STALE_S = 86_400.0
"""An unfinished upload that has not grown for a day has nobody who still sends it."""
_THREADS = 4
_PART = re.compile(r"[A-Za-z0-9._-]{1,255}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Grant:
    key: str
    content_type: str
    max_bytes: int
    expires_ms: int
    exact: bool = False
    """Whether it must be exactly `max_bytes`."""
    multipart_id: str | None = None
    n: int = 0
    """Which part of it."""


class DiskStorage:
    """Objects are files under `root`, named by their keys; an object appears whole or not at all.

    Its addresses are ``{public_url}/output/{token}/{name}``: PUT with an upload token, GET with a read token.
    """

    def __init__(self, root: Path, public_url: str, signer: Signer, clock: Clock) -> None:
        """Make `root` and sweep what uploads left behind there; StorageUnavailable if it can't be made."""
        self._public_url = public_url.rstrip("/")
        self._signer = signer
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="disk")
        with disk_errors():
            (root / _INCOMING).mkdir(parents=True, exist_ok=True)
            self._root = root.resolve()
            self._incoming = self._root / _INCOMING
            self._parts = PartsFolder(self._root / _PARTS)
            self._sweep()

    def grant_upload(self, key: str, content_type: str, max_bytes: int, expires_ms: int) -> UploadGrant:
        """Return the right to PUT `key` here until `expires_ms`."""
        token = self._signer.seal(UPLOAD_PURPOSE, json.dumps([_checked(key), content_type, max_bytes, expires_ms]))
        return UploadGrant(
            key=key,
            url=self._address(token, key),
            headers={"Content-Type": content_type},
            content_type=content_type,
            max_bytes=max_bytes,
        )

    def grant_put(
        self,
        key: str,
        content_type: str,
        size_bytes: int,
        expires_ms: int,
        sha256: str | None = None,  # noqa: ARG002 - `digest` finds it out
    ) -> SignedPut:
        """Return the right to PUT exactly so many bytes as `key`."""
        url = self._put_url(_Grant(_checked(key), content_type, size_bytes, expires_ms, exact=True))
        return SignedPut(url, {"Content-Type": content_type}, size_bytes)

    async def verifies_sha256(self) -> bool:
        """Return True: `digest` reads the file."""
        return True

    async def digest(self, key: str) -> str | None:
        """Return the SHA-256 of what is stored."""
        return await self._in_thread(lambda: self._digest(key))

    async def begin_parts(self, key: str, content_type: str, part_bytes: int) -> str:  # noqa: ARG002 - it has no name yet
        """Begin a file that comes in parts."""
        return await self._in_thread(lambda: self._parts.begin(part_bytes))

    def grant_part(self, key: str, multipart_id: str, n: int, size_bytes: int, expires_ms: int) -> SignedPut:
        """Return the right to PUT a part."""
        grant = _Grant(_checked(key), "", size_bytes, expires_ms, exact=True, multipart_id=multipart_id, n=n)
        return SignedPut(self._put_url(grant), {}, size_bytes)

    async def stored_parts(self, key: str, multipart_id: str) -> list[StoredPart] | None:  # noqa: ARG002 - as above
        """Return the parts that have arrived."""
        return await self._in_thread(lambda: self._parts.stored(multipart_id))

    async def complete_parts(self, key: str, multipart_id: str, parts: Sequence[StoredPart]) -> None:
        """Make `key` of its parts; nothing is copied."""
        await self._in_thread(lambda: self._parts.complete(multipart_id, parts, self._path(key)))

    async def abort_parts(self, key: str, multipart_id: str) -> None:  # noqa: ARG002 - as above
        """Drop what has arrived."""
        await self._in_thread(lambda: self._parts.abort(multipart_id))

    async def read_head(self, key: str, max_bytes: int) -> bytes | None:
        """Return the first bytes of a file."""
        return await self._in_thread(lambda: self._read_head(key, max_bytes))

    async def delete(self, key: str) -> None:
        """Delete a file."""
        await self._in_thread(lambda: self._path(key).unlink(missing_ok=True))

    def read_url(self, key: str, expires_ms: int) -> str:
        """Return an address here that GETs `key` until `expires_ms`."""
        return self._address(self._signer.seal(READ_PURPOSE, json.dumps([_checked(key), expires_ms])), key)

    async def head(self, key: str) -> StoredObject | None:
        """Return the size and ETag of `key`."""
        found = await self._in_thread(lambda: self._stat(key))
        return None if found is None else StoredObject(found.st_size, etag_of(found))

    async def read(self, key: str, max_bytes: int) -> bytes | None:
        """Return the whole of a small object."""
        return await self._in_thread(lambda: self._read(key, max_bytes))

    async def download(
        self,
        key: str,
        file_name: str,  # noqa: ARG002 - the route names it
        *,
        cached_s: int = 0,  # noqa: ARG002 - and says that
    ) -> LocalDownload | None:
        """Return the file that holds `key`."""
        return await self._in_thread(lambda: self._find(key))

    async def list_under(self, prefix: str) -> AsyncIterator[list[ListedObject]]:
        """Yield every file whose key begins with ``{prefix}/``, in pages."""
        await self._in_thread(self._check_mounted)
        pages = walk.pages(self._root, _checked(prefix) if prefix else "")
        while (page := await self._in_thread(lambda: next(pages, None))) is not None:
            yield page

    async def delete_under(self, prefix: str) -> int:
        """Delete every file whose key begins with ``{prefix}/``, and the folders that are empty then."""
        return await self._in_thread(lambda: self._delete_folder(self._path(prefix)))

    async def check(self) -> None:
        """Raise StorageUnavailable unless a file can be written here."""
        await self._in_thread(self._write_probe)

    async def honours(self) -> Honours:
        """Return what `receive` checks."""
        return Honours(content_type=True, length=True, if_none_match=False, sha256=True)

    async def close(self) -> None:
        """Let go of the threads."""
        await asyncio.to_thread(self._threads.shutdown)

    async def open_read(self, token: str) -> LocalDownload | None:
        """Return the file that a read token names; LinkInvalid for other texts, LinkExpired for an old one."""
        key, expires_ms = json.loads(self._signer.open(READ_PURPOSE, token))
        structlog.contextvars.bind_contextvars(job_id=job_of(key))
        if self._clock.now_ms() >= expires_ms:
            raise LinkExpired
        return await self._in_thread(lambda: self._find(key))

    async def receive(self, token: str, headers: Mapping[str, str], stream: AsyncIterator[bytes]) -> StoredObject:
        """Store what is PUT with an upload token; a failed or broken off upload leaves nothing.

        Raises LinkInvalid (no token of ours, or another content type or length than was granted), LinkExpired,
        PayloadTooLarge, StorageFull; of a part, NotFound or UploadChanged where it is no longer wanted.
        """
        grant = self._opened_grant(token)
        _check_headers(grant, headers)
        announced = headers.get("content-length")
        upload = await self._in_thread(lambda: self._begin(grant, int(announced or 0)))
        try:
            size_bytes = await self._write_all(upload, stream, grant.max_bytes)
            if announced is not None and size_bytes != int(announced):
                raise RequestError("The body ended before its announced length.")
            etag = await self._in_thread(lambda: self._publish(upload, grant))
        finally:
            # Not awaited with a chance to be cancelled: the file must go even when the client has.
            self._threads.submit(upload.discard)
        return StoredObject(size_bytes, etag)

    async def _write_all(self, upload: Draft | PartDraft, stream: AsyncIterator[bytes], max_bytes: int) -> int:
        waiting: list[bytes] = []
        waiting_bytes = size_bytes = 0
        async for chunk in stream:
            size_bytes += len(chunk)
            if size_bytes > max_bytes:
                raise PayloadTooLarge(f"This upload may have {max_bytes} bytes.")
            waiting.append(chunk)
            waiting_bytes += len(chunk)
            if waiting_bytes >= CHUNK_BYTES:
                await self._in_thread(lambda full=tuple(waiting): upload.write(full))  # type: ignore[misc]
                waiting, waiting_bytes = [], 0
        await self._in_thread(lambda: upload.write(waiting))
        return size_bytes

    def _opened_grant(self, token: str) -> _Grant:
        grant = _Grant(*json.loads(self._signer.open(UPLOAD_PURPOSE, token)))
        structlog.contextvars.bind_contextvars(job_id=job_of(grant.key))
        if self._clock.now_ms() >= grant.expires_ms:
            raise LinkExpired
        return grant

    def _begin(self, grant: _Grant, announced_bytes: int) -> Draft | PartDraft:
        """Open a file for an upload; StorageFull at once if it can't fit."""
        check_room(self._incoming, announced_bytes)
        if grant.multipart_id is not None:
            return self._parts.draft(grant.multipart_id, grant.n, grant.max_bytes)
        return self._draft()

    def _publish(self, upload: Draft | PartDraft, grant: _Grant) -> str:
        if isinstance(upload, PartDraft):
            return upload.publish()
        return upload.publish(self._path(grant.key))

    def _find(self, key: str) -> LocalDownload | None:
        found = self._stat(key)
        return None if found is None else LocalDownload(self._path(key), found.st_size, etag_of(found))

    def _stat(self, key: str) -> os.stat_result | None:
        path = self._path(key)
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            self._check_mounted()
            return None
        if not stat.S_ISREG(found.st_mode) or path.parent.resolve() != path.parent:
            return None
        return found

    def _check_mounted(self) -> None:
        if not self._incoming.is_dir():
            raise StorageUnavailable  # the disk itself is away, not the object

    def _delete_folder(self, folder: Path) -> int:
        if folder.parent.resolve() != folder.parent or not folder.is_dir() or folder.is_symlink():
            return 0
        removed = 0
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
                removed += 1
        folder.rmdir()
        return removed

    def _read(self, key: str, max_bytes: int) -> bytes | None:
        found = self._find(key)
        if found is None or found.size_bytes > max_bytes:
            return None
        return found.path.read_bytes()

    def _read_head(self, key: str, max_bytes: int) -> bytes | None:
        found = self._find(key)
        if found is None:
            return None
        with found.path.open("rb") as file:
            return file.read(max_bytes)

    def _digest(self, key: str) -> str | None:
        found = self._find(key)
        if found is None:
            return None
        with found.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _put_url(self, grant: _Grant) -> str:
        return self._address(self._signer.seal(UPLOAD_PURPOSE, json.dumps(astuple(grant))), grant.key)

    def _path(self, key: str) -> Path:
        return self._root / _checked(key)

    def _address(self, token: str, key: str) -> str:
        return f"{self._public_url}/output/{token}/{key.rpartition('/')[2]}"

    def _draft(self) -> Draft:
        return Draft(self._incoming / secrets.token_hex(16))

    def _write_probe(self) -> None:
        probe = self._draft()
        try:
            probe.write([b"probe"])
        finally:
            probe.discard()

    def _sweep(self) -> None:
        for left in self._incoming.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if time.time() - left.lstat().st_mtime > _STALE_S:
                    left.unlink()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        def guarded() -> T:
            with disk_errors():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, guarded)


def _check_headers(grant: _Grant, headers: Mapping[str, str]) -> None:
    if grant.exact and headers.get("content-length") != str(grant.max_bytes):
        raise LinkInvalid(f"This address takes exactly {grant.max_bytes} bytes; say so in Content-Length.")
    if grant.content_type and headers.get("content-type", "").strip().lower() != grant.content_type.lower():
        raise LinkInvalid(f"This address takes {grant.content_type} only; say so in Content-Type.")
    announced = headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > grant.max_bytes:
        raise PayloadTooLarge(f"This upload may have {grant.max_bytes} bytes.")


def _checked(key: str) -> str:
    """Return `key`; NotFound for a text that is no key, so that no path can lead out of the root."""
    if all(_PART.fullmatch(part) and part not in (".", "..") for part in key.split("/")):
        return key
    raise NotFound
