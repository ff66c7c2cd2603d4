"""Which storage the settings name."""

from pathlib import Path

from orchestrator.storage.disk import DiskStorage
from orchestrator.storage.port import Storage
from orchestrator.storage.receiving.receiver import Awaited
from orchestrator.storage.s3 import Bucket, S3Storage
from shared.clock import Clock
from shared.errors import SettingsError
from shared.signing import Signer


def open_storage(url: str, public_url: str, signer: Signer, clock: Clock, awaited: Awaited | None = None) -> Storage:
    """Return the storage at `url`: ``file:///FOLDER`` or ``s3://BUCKET…``; SettingsError, StorageUnavailable.

    A bucket takes what it has granted; the disk asks what is still `awaited`.
    """
    if url.startswith("s3://"):
        return S3Storage(Bucket.parse(url), clock)
    if not url.startswith("file:///"):
        raise SettingsError("REVELA_STORAGE_URL: only file:///FOLDER and s3://BUCKET/PREFIX?… are known")
    return DiskStorage(Path(url.removeprefix("file://")), public_url, signer, clock, awaited)
