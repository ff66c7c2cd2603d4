"""Storage on this machine's disk, reached through this server's own signed addresses."""

import asyncio
import json
import os
import re
import stat
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import structlog

from orchestrator.storage import walk
from orchestrator.storage.disk_threads import Digests, DiskThreads
from orchestrator.storage.keys import job_of
from orchestrator.storage.port import Honours, ListedObject, LocalDownload, SignedPut, StoredObject, StoredPart
from orchestrator.storage.receiving.durable import disk_errors, etag_of
from orchestrator.storage.receiving.grant import PutGrant
from orchestrator.storage.receiving.receiver import Awaited, Receiver
from shared.clock import Clock
from shared.errors import StorageUnavailable
from shared.refusals import LinkExpired, NotFound
from shared.signing import Signer
from shared.wire.work_order import UploadGrant

UPLOAD_PURPOSE = "upload"
READ_PURPOSE = "read"
"""What the two kinds of addresses are signed for."""

_PART = re.compile(r"[A-Za-z0-9._-]{1,255}")


class DiskStorage:
    """Objects are files under `root`, named by their keys; an object appears whole or not at all.

    Its addresses are ``{public_url}/output/{token}/{name}``: PUT with an upload token, GET with a read token.
    """

    def __init__(
        self, root: Path, public_url: str, signer: Signer, clock: Clock, awaited: Awaited | None = None
    ) -> None:
        """Make `root` and sweep what uploads left behind there; StorageUnavailable if it can't be made.

        What is not `awaited` is not taken, although it was granted.
        """
        self._public_url = public_url.rstrip("/")
        self._signer = signer
        self._clock = clock
        self._threads = DiskThreads()
        self._digests = Digests()
        with disk_errors():
            root.mkdir(parents=True, exist_ok=True)
            self._root = root.resolve()
            self._receiver = Receiver(self._root, self._threads, clock, awaited)

    def grant_upload(self, key: str, content_type: str, max_bytes: int, expires_ms: int) -> UploadGrant:
        """Return the right to PUT `key` here until `expires_ms`."""
        return UploadGrant(
            key=key,
            url=self._put_url(PutGrant(_checked(key), content_type, max_bytes, expires_ms)),
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
        url = self._put_url(PutGrant(_checked(key), content_type, size_bytes, expires_ms, exact=True))
        return SignedPut(url, {"Content-Type": content_type}, size_bytes)

    async def verifies_sha256(self) -> bool:
        """Return True: `digest` reads the file."""
        return True

    async def digest(self, key: str) -> str | None:
        """Return the SHA-256 of what is stored."""
        found = await self._threads.run(lambda: self._find(key))
        return None if found is None else await self._digests.of(found)

    async def begin_parts(self, key: str, content_type: str, part_bytes: int) -> str:  # noqa: ARG002 - it has no name yet
        """Begin a file that comes in parts."""
        return await self._threads.run(lambda: self._receiver.parts.begin(part_bytes))

    def grant_part(self, key: str, multipart_id: str, n: int, size_bytes: int, expires_ms: int) -> SignedPut:
        """Return the right to PUT a part."""
        grant = PutGrant(_checked(key), "", size_bytes, expires_ms, exact=True, multipart_id=multipart_id, n=n)
        return SignedPut(self._put_url(grant), {}, size_bytes)

    async def stored_parts(self, key: str, multipart_id: str) -> list[StoredPart] | None:  # noqa: ARG002 - as above
        """Return the parts that have arrived."""
        return await self._threads.run(lambda: self._receiver.parts.stored(multipart_id))

    async def complete_parts(self, key: str, multipart_id: str, parts: Sequence[StoredPart]) -> None:
        """Make `key` of its parts; nothing is copied."""
        await self._threads.run(lambda: self._receiver.parts.complete(multipart_id, parts, self._path(key)))

    async def abort_parts(self, key: str, multipart_id: str) -> None:  # noqa: ARG002 - as above
        """Drop what has arrived."""
        await self._threads.run(lambda: self._receiver.parts.abort(multipart_id))

    async def read_head(self, key: str, max_bytes: int) -> bytes | None:
        """Return the first bytes of a file."""
        return await self._threads.run(lambda: self._read_head(key, max_bytes))

    async def delete(self, key: str) -> None:
        """Delete a file."""
        await self._threads.run(lambda: self._path(key).unlink(missing_ok=True))

    def read_url(self, key: str, expires_ms: int) -> str:
        """Return an address here that GETs `key` until `expires_ms`."""
        return self._address(self._signer.seal(READ_PURPOSE, json.dumps([_checked(key), expires_ms])), key)

    async def head(self, key: str) -> StoredObject | None:
        """Return the size and ETag of `key`."""
        found = await self._threads.run(lambda: self._stat(key))
        return None if found is None else StoredObject(found.st_size, etag_of(found))

    async def read(self, key: str, max_bytes: int) -> bytes | None:
        """Return the whole of a small object."""
        return await self._threads.run(lambda: self._read(key, max_bytes))

    async def download(
        self,
        key: str,
        file_name: str,  # noqa: ARG002 - the route names it
        *,
        cached_s: int = 0,  # noqa: ARG002 - and says that
    ) -> LocalDownload | None:
        """Return the file that holds `key`."""
        return await self._threads.run(lambda: self._find(key))

    async def list_under(self, prefix: str) -> AsyncIterator[list[ListedObject]]:
        """Yield every file whose key begins with ``{prefix}/``, in pages."""
        await self._threads.run(self._check_mounted)
        pages = walk.pages(self._root, _checked(prefix) if prefix else "")
        while (page := await self._threads.run(lambda: next(pages, None))) is not None:
            yield page

    async def delete_under(self, prefix: str) -> int:
        """Delete every file whose key begins with ``{prefix}/``, and the folders that are empty then."""
        return await self._threads.run(lambda: self._delete_folder(self._path(prefix)))

    async def check(self) -> None:
        """Raise StorageUnavailable unless a file can be written here."""
        await self._threads.run(self._receiver.probe)

    async def honours(self) -> Honours:
        """Return what `receive` checks."""
        return Honours(content_type=True, length=True, if_none_match=False, sha256=True)

    async def close(self) -> None:
        """Let go of the threads."""
        await asyncio.to_thread(self._digests.close)
        await asyncio.to_thread(self._threads.close)

    async def open_read(self, token: str) -> LocalDownload | None:
        """Return the file that a read token names; LinkInvalid for other texts, LinkExpired for an old one."""
        key, expires_ms = json.loads(self._signer.open(READ_PURPOSE, token))
        structlog.contextvars.bind_contextvars(job_id=job_of(key))
        if self._clock.now_ms() >= expires_ms:
            raise LinkExpired
        return await self._threads.run(lambda: self._find(key))

    async def receive(self, token: str, headers: Mapping[str, str], stream: AsyncIterator[bytes]) -> StoredObject:
        """Store what is PUT with an upload token; a failed or broken off upload leaves nothing.

        Raises LinkInvalid (no token of ours, or another content type or length than was granted), LinkExpired,
        PayloadTooLarge, StorageFull; of a part, NotFound or UploadChanged where it is no longer wanted.
        """
        grant = PutGrant.read(self._signer.open(UPLOAD_PURPOSE, token))
        structlog.contextvars.bind_contextvars(job_id=job_of(grant.key))
        return await self._receiver.receive(grant, headers, stream)

    async def drafts(self) -> list[ListedObject]:
        """Return what arrives at present or was left behind on its way."""
        return await self._threads.run(self._receiver.drafts)

    async def sweep_drafts(self) -> int:
        """Remove what was left behind on its way; return how much there was."""
        return await self._threads.run(self._receiver.sweep)

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
        if not self._receiver.is_there():
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

    def _put_url(self, grant: PutGrant) -> str:
        return self._address(self._signer.seal(UPLOAD_PURPOSE, grant.written()), grant.key)

    def _path(self, key: str) -> Path:
        return self._root / _checked(key)

    def _address(self, token: str, key: str) -> str:
        return f"{self._public_url}/output/{token}/{key.rpartition('/')[2]}"


def _checked(key: str) -> str:
    """Return `key`; NotFound for a text that is no key, so that no path can lead out of the root."""
    if all(_PART.fullmatch(part) and part not in (".", "..") for part in key.split("/")):
        return key
    raise NotFound
