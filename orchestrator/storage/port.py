"""Storage: where inputs and outputs lie, reached by capabilities rather than keys."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.wire.work_order import UploadGrant


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a store knows of an object."""

    size_bytes: int


@dataclass(frozen=True, slots=True)
class LocalDownload:
    """An object to be served from this machine's disk."""

    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RedirectDownload:
    """An object to be fetched from `url`, which works for a short time."""

    url: str


class Storage(Protocol):
    """An object store. Keys are ours: ``[A-Za-z0-9._-]`` parts joined by ``/``; a missing object is None, not an error.

    Raises StorageUnavailable when the store fails.
    """

    def grant_upload(self, key: str, content_type: str, max_bytes: int, expires_ms: int) -> UploadGrant:
        """Return the right to PUT `key` until `expires_ms`."""
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

    async def download(self, key: str, file_name: str) -> LocalDownload | RedirectDownload | None:
        """Return how `key` is handed to a client, who shall save it as `file_name`."""
        ...

    async def delete_under(self, prefix: str) -> int:
        """Delete every object whose key begins with ``{prefix}/``; return how many there were."""
        ...

    async def close(self) -> None:
        """Release threads and connections."""
        ...

    async def check(self) -> None:
        """Raise StorageUnavailable unless the store can be written."""
        ...
