"""Storage: where inputs and outputs lie, reached by capabilities rather than keys."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from shared.wire.work_order import UploadGrant

PAGE_OBJECTS = 1000
"""How many objects a page of a list has at most; S3 lists no more at once."""

PUT_SLACK_MS = 3_600_000
"""A PUT that began in time is taken for so much longer; what was ordered to be removed is looked for once more then."""

ABANDONED_S = 3600.0
"""What is on its way and has not grown for so long has nobody who still sends it."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a store knows of an object."""

    size_bytes: int
    etag: str | None = None
    """Changes when the object does; without quotes. None where the store has none."""


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as a list names it."""

    key: str
    size_bytes: int
    modified_ms: int
    """By the store's clock."""


@dataclass(frozen=True, slots=True)
class Honours:
    """What a store holds those to who send by signed addresses."""

    content_type: bool
    """Another type than was signed is refused."""
    length: bool
    """Another length than was signed is refused."""
    if_none_match: bool
    """``If-None-Match: *`` keeps an object from being overwritten."""
    sha256: bool
    """The store finds out the SHA-256 itself."""
    keeps_versions: bool = False
    """What is deleted or overwritten stays as an older version, until the bucket's rules drop it."""


@dataclass(frozen=True, slots=True)
class SignedPut:
    """The right to PUT exactly `size_bytes` to `url`, with these headers."""

    url: str
    headers: Mapping[str, str]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that has arrived; parts count from 1."""

    n: int
    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LocalDownload:
    """An object to be served from this machine's disk."""

    path: Path
    size_bytes: int
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class RedirectDownload:
    """An object to be fetched from `url`, which works for a short time."""

    url: str
    etag: str | None = None


class Storage(Protocol):
    """An object store. Keys are ours: ``[A-Za-z0-9._-]`` parts joined by ``/``; a missing object is None, not an error.

    Raises StorageUnavailable when the store fails.
    """

    def grant_upload(self, key: str, content_type: str, max_bytes: int, expires_ms: int) -> UploadGrant:
        """Return the right to PUT `key` until `expires_ms`."""
        ...

    def grant_put(
        self, key: str, content_type: str, size_bytes: int, expires_ms: int, sha256: str | None = None
    ) -> SignedPut:
        """Return the right to PUT exactly so many bytes as `key` until `expires_ms`.

        A store that `verifies_sha256` refuses, by itself or at its `digest`, what has another `sha256` (hex).
        """
        ...

    async def verifies_sha256(self) -> bool:
        """Whether this store finds out the SHA-256 of what a single PUT brings."""
        ...

    async def digest(self, key: str) -> str | None:
        """Return the SHA-256 (hex) of what is stored, as the store has it or finds it; None where it can't."""
        ...

    async def begin_parts(self, key: str, content_type: str, part_bytes: int) -> str:
        """Begin an object that comes in parts of `part_bytes` (the last may be shorter); return its multipart id."""
        ...

    def grant_part(self, key: str, multipart_id: str, n: int, size_bytes: int, expires_ms: int) -> SignedPut:
        """Return the right to PUT part `n` (from 1), of exactly so many bytes, until `expires_ms`."""
        ...

    async def stored_parts(self, key: str, multipart_id: str) -> Sequence[StoredPart] | None:
        """Return the parts that have arrived, in order; None if nothing is begun under that id (any more)."""
        ...

    async def complete_parts(self, key: str, multipart_id: str, parts: Sequence[StoredPart]) -> None:
        """Make `key` of its parts, as `stored_parts` told them; UploadChanged if they are others by now.

        Nothing happens where nothing is begun any more: it may have been completed before.
        """
        ...

    async def abort_parts(self, key: str, multipart_id: str) -> None:
        """Drop what has arrived; it does no harm where nothing is begun any more."""
        ...

    async def read_head(self, key: str, max_bytes: int) -> bytes | None:
        """Return the first bytes of an object, `max_bytes` at most."""
        ...

    async def delete(self, key: str) -> None:
        """Delete one object; it does no harm where there is none."""
        ...

    def read_url(self, key: str, expires_ms: int) -> str:
        """Return a URL that GETs `key` until `expires_ms`; 404 while there is no such object."""
        ...

    async def head(self, key: str) -> StoredObject | None:
        """Return what is known of `key`."""
        ...

    async def read(self, key: str, max_bytes: int) -> bytes | None:
        """Return the whole of a small object; None too if it is larger than `max_bytes`."""
        ...

    async def download(self, key: str, file_name: str, *, cached_s: int = 0) -> LocalDownload | RedirectDownload | None:
        """Return how `key` is handed to a client, who shall save it as `file_name`.

        Caches on the way may keep it for `cached_s`.
        """
        ...

    def list_under(self, prefix: str) -> AsyncIterator[Sequence[ListedObject]]:
        """Yield every object whose key begins with ``{prefix}/`` (all of them, for an empty one), in pages.

        What the adapter keeps for itself, such as files that are still arriving, is no object.
        """
        ...

    async def delete_under(self, prefix: str) -> int:
        """Delete every object whose key begins with ``{prefix}/``; return how many there were."""
        ...

    async def honours(self) -> Honours:
        """Return what the store holds senders to; tried out once, then known."""
        ...

    async def close(self) -> None:
        """Release threads and connections."""
        ...

    async def check(self) -> None:
        """Raise StorageUnavailable unless the store can be written."""
        ...


@runtime_checkable
class KeepsDrafts(Protocol):
    """A storage that keeps what arrives aside until it is whole. Raises StorageUnavailable when it fails."""

    async def drafts(self) -> Sequence[ListedObject]:
        """Return what arrives at present or was left behind on its way, under names that are no keys."""
        ...

    async def sweep_drafts(self) -> int:
        """Remove what was left behind on its way; return how much there was."""
        ...
