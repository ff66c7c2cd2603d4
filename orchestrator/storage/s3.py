"""Storage in an S3 bucket: AWS, Backblaze B2, Cloudflare R2, MinIO, Ceph. The server signs; the bytes pass it by."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from orchestrator.storage import port, versions
from orchestrator.storage.port import Honours, ListedObject, RedirectDownload, SignedPut, StoredObject, StoredPart
from orchestrator.storage.probe import Probe
from shared.clock import Clock
from shared.errors import SettingsError, StorageUnavailable
from shared.refusals import UploadChanged
from shared.wire.work_order import UploadGrant

LINK_S = 300
"""How long a download's address works: it is made at the moment in which it is followed."""
MAX_SIGNED_S = 604_800
"""Signature Version 4 signs for seven days at most (AWS, "Authenticating Requests: Using Query Parameters")."""

_THREADS = 8
_CHECK = "check"
"""The object that is written to see whether the bucket can be."""
_DELETED_AT_ONCE = 1000
_CHECKED_FOR_S = 30.0
_MISSING = ("404", "NoSuchKey", "NotFound", "NoSuchUpload")
_OTHER_PARTS = ("InvalidPart", "InvalidPartOrder", "EntityTooSmall")
_OF_NOTHING = base64.b64encode(bytes(32)).decode()
"""A SHA-256 that no file is known to have."""
_PARAMETERS = {"endpoint_url", "region", "addressing"}
_ADDRESSING = ("auto", "path", "virtual")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the objects lie."""

    name: str
    prefix: str = ""
    endpoint_url: str | None = None
    region: str | None = None
    addressing: str = "auto"

    @classmethod
    def parse(cls, url: str) -> "Bucket":
        """Read ``s3://bucket/prefix?endpoint_url=…&region=…&addressing=path``; SettingsError for anything else."""
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or parts.fragment:
            raise SettingsError(
                "REVELA_STORAGE_URL: an S3 bucket is named as s3://BUCKET/PREFIX?endpoint_url=…&region=…"
            )
        if unknown := given.keys() - _PARAMETERS:
            known = ", ".join(sorted(_PARAMETERS))
            raise SettingsError(f"REVELA_STORAGE_URL: unknown parameter {min(unknown)}; there are {known}")
        addressing = given.get("addressing", "auto")
        if addressing not in _ADDRESSING:
            raise SettingsError(f"REVELA_STORAGE_URL: addressing must be one of {', '.join(_ADDRESSING)}")
        return cls(parts.netloc, parts.path.strip("/"), given.get("endpoint_url"), given.get("region"), addressing)

    def key(self, key: str) -> str:
        """Return an object's name in the bucket."""
        return f"{self.prefix}/{key}" if self.prefix else key


class S3Storage:
    """Objects in a bucket. Signing is arithmetic and done at once; what asks the store runs in threads."""

    def __init__(self, bucket: Bucket, clock: Clock) -> None:
        """Make the client; keys come from the environment or wherever boto3 finds them. SettingsError without any."""
        self._bucket = bucket
        self._clock = clock
        self._client = _client(bucket)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")
        self._checked_s = float("-inf")
        self._verifies_sha256: bool | None = None
        self._honours: Honours | None = None

    def grant_upload(self, key: str, content_type: str, max_bytes: int, expires_ms: int) -> UploadGrant:
        """Return the right to PUT `key` until `expires_ms`; the store refuses another type."""
        url = self._signed("put_object", key, expires_ms, ContentType=content_type)
        return UploadGrant(key=key, url=url, content_type=content_type, max_bytes=max_bytes, content_md5=True)

    def grant_put(
        self, key: str, content_type: str, size_bytes: int, expires_ms: int, sha256: str | None = None
    ) -> SignedPut:
        """Return the right to PUT exactly so many bytes as `key`; the length is signed as well."""
        given: dict[str, Any] = {"ContentType": content_type, "ContentLength": size_bytes}
        headers = {"Content-Type": content_type}
        if sha256 is not None and self._verifies_sha256:
            given["ChecksumSHA256"] = headers["x-amz-checksum-sha256"] = _base64_of(sha256)
        return SignedPut(self._signed("put_object", key, expires_ms, **given), headers, size_bytes)

    async def verifies_sha256(self) -> bool:
        """Whether the store refuses an object that is not what its checksum says; some only repeat what they hear."""
        if self._verifies_sha256 is None:
            self._verifies_sha256 = await self._in_thread(self._probe_sha256)
        return self._verifies_sha256

    async def digest(self, key: str) -> str | None:
        """Return the SHA-256 that the store has verified; None for objects that came in parts or without one."""
        if not await self.verifies_sha256():
            return None
        named = {"Bucket": self._bucket.name, "Key": self._bucket.key(key), "ChecksumMode": "ENABLED"}
        found = await self._in_thread(lambda: _unless_missing(lambda: self._client.head_object(**named)))
        checksum = str((found or {}).get("ChecksumSHA256", ""))
        # Of an object in parts it is a hash of hashes, with their number behind a dash.
        return None if not checksum or "-" in checksum else base64.b64decode(checksum).hex()

    async def begin_parts(self, key: str, content_type: str, part_bytes: int) -> str:  # noqa: ARG002 - each part says it
        """Begin a multipart upload."""
        named = {"Bucket": self._bucket.name, "Key": self._bucket.key(key), "ContentType": content_type}
        begun = await self._in_thread(lambda: self._client.create_multipart_upload(**named))
        return str(begun["UploadId"])

    def grant_part(self, key: str, multipart_id: str, n: int, size_bytes: int, expires_ms: int) -> SignedPut:
        """Return the right to PUT a part of exactly so many bytes."""
        part = {"UploadId": multipart_id, "PartNumber": n, "ContentLength": size_bytes}
        return SignedPut(self._signed("upload_part", key, expires_ms, **part), {}, size_bytes)

    async def stored_parts(self, key: str, multipart_id: str) -> list[StoredPart] | None:
        """Return the parts that have arrived."""
        return await self._in_thread(lambda: self._stored_parts(key, multipart_id))

    async def complete_parts(self, key: str, multipart_id: str, parts: Sequence[StoredPart]) -> None:
        """Make `key` of its parts."""
        await self._in_thread(lambda: self._complete_parts(key, multipart_id, parts))

    async def abort_parts(self, key: str, multipart_id: str) -> None:
        """Drop what has arrived."""
        named = {"Bucket": self._bucket.name, "Key": self._bucket.key(key), "UploadId": multipart_id}
        await self._in_thread(lambda: _unless_missing(lambda: self._client.abort_multipart_upload(**named)))

    async def read_head(self, key: str, max_bytes: int) -> bytes | None:
        """Return the first bytes of an object."""
        return await self._in_thread(lambda: self._read_head(key, max_bytes))

    async def delete(self, key: str) -> None:
        """Delete an object."""
        named = {"Bucket": self._bucket.name, "Key": self._bucket.key(key)}
        await self._in_thread(lambda: _unless_missing(lambda: self._client.delete_object(**named)))

    def read_url(self, key: str, expires_ms: int) -> str:
        """Return a URL that GETs `key` until `expires_ms`."""
        return self._signed("get_object", key, expires_ms)

    async def head(self, key: str) -> StoredObject | None:
        """Return what is known of `key`."""
        return await self._in_thread(lambda: self._head(key))

    async def read(self, key: str, max_bytes: int) -> bytes | None:
        """Return the whole of a small object; None too if it is larger than `max_bytes`."""
        return await self._in_thread(lambda: self._read(key, max_bytes))

    async def download(self, key: str, file_name: str, *, cached_s: int = 0) -> RedirectDownload | None:
        """Return a short-lived address under which a client saves `key` as `file_name`."""
        stored = await self.head(key)
        if stored is None:
            return None
        disposition = f'attachment; filename="{file_name}"'
        expires_ms = self._clock.now_ms() + LINK_S * 1000
        headers = {"ResponseContentDisposition": disposition}
        if cached_s:
            headers["ResponseCacheControl"] = f"public, max-age={cached_s}"
        return RedirectDownload(self._signed("get_object", key, expires_ms, **headers), stored.etag)

    async def list_under(self, prefix: str) -> AsyncIterator[list[ListedObject]]:
        """Yield every object whose key begins with ``{prefix}/``, in pages."""
        pages = self._pages(prefix)
        while (page := await self._in_thread(lambda: next(pages, None))) is not None:
            yield [listed for listed in page if listed.key != _CHECK]

    async def delete_under(self, prefix: str) -> int:
        """Delete every object whose key begins with ``{prefix}/``."""
        return await self._in_thread(lambda: self._delete_under(prefix))

    async def check(self) -> None:
        """Raise StorageUnavailable unless the bucket can be written; a good answer is believed for half a minute."""
        if time.monotonic() - self._checked_s < _CHECKED_FOR_S:
            return
        await self._in_thread(self._write)
        self._checked_s = time.monotonic()

    async def keeps_versions(self) -> bool:
        """Whether what is deleted or overwritten stays as an older version, until the bucket's rules drop it."""
        return await self._in_thread(self._write)

    async def forget(self, key: str) -> None:
        """Delete an object that was only tried out, its versions too."""
        await self.delete(key)
        if await self.keeps_versions():
            await self._in_thread(
                lambda: versions.drop_versions(self._client, self._bucket.name, self._bucket.key(key))
            )

    async def honours(self) -> Honours:
        """Try the store out, at the first call."""
        if self._honours is None:
            self._honours = await Probe(self, self._clock).ask()
        return self._honours

    async def close(self) -> None:
        """Let go of threads and connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._client.close()

    def _write(self, **more: str) -> bool:
        return versions.put_and_forget(self._client, self._bucket.name, self._bucket.key(_CHECK), **more)

    def _signed(self, operation: str, key: str, expires_ms: int, **parameters: Any) -> str:
        # The signature's time is the machine's: a clock that was moved by hand counts from there.
        lasts_s = min(max(1, (expires_ms - self._clock.now_ms()) // 1000), MAX_SIGNED_S)
        named = {"Bucket": self._bucket.name, "Key": self._bucket.key(key), **parameters}
        return str(self._client.generate_presigned_url(operation, Params=named, ExpiresIn=lasts_s))

    def _head(self, key: str) -> StoredObject | None:
        named = {"Bucket": self._bucket.name, "Key": self._bucket.key(key)}
        found = _unless_missing(lambda: self._client.head_object(**named))
        return None if found is None else StoredObject(int(found["ContentLength"]), _bare(found.get("ETag")))

    def _read(self, key: str, max_bytes: int) -> bytes | None:
        named = {"Bucket": self._bucket.name, "Key": self._bucket.key(key)}
        found = _unless_missing(lambda: self._client.get_object(**named))
        if found is None:
            return None
        with contextlib.closing(found["Body"]) as body:
            return bytes(body.read()) if int(found["ContentLength"]) <= max_bytes else None

    def _read_head(self, key: str, max_bytes: int) -> bytes | None:
        named = {"Bucket": self._bucket.name, "Key": self._bucket.key(key), "Range": f"bytes=0-{max_bytes - 1}"}
        found = _unless_missing(lambda: self._client.get_object(**named))
        if found is None:
            return None
        with contextlib.closing(found["Body"]) as body:
            return bytes(body.read(max_bytes))

    def _stored_parts(self, key: str, multipart_id: str) -> list[StoredPart] | None:
        named = {"Bucket": self._bucket.name, "Key": self._bucket.key(key), "UploadId": multipart_id}
        parts: list[StoredPart] = []
        after: dict[str, int] = {}
        while True:
            page = _unless_missing(lambda: self._client.list_parts(**named, **after))  # noqa: B023 - called at once
            if page is None:
                return None
            parts += [
                StoredPart(int(part["PartNumber"]), _bare(part["ETag"]) or "", int(part["Size"]))
                for part in page.get("Parts", ())
            ]
            if not page.get("IsTruncated"):
                return parts
            after = {"PartNumberMarker": int(page["NextPartNumberMarker"])}

    def _complete_parts(self, key: str, multipart_id: str, parts: Sequence[StoredPart]) -> None:
        from botocore.exceptions import ClientError

        named = {"Bucket": self._bucket.name, "Key": self._bucket.key(key), "UploadId": multipart_id}
        listed = [{"PartNumber": part.n, "ETag": part.etag} for part in parts]
        try:
            _unless_missing(lambda: self._client.complete_multipart_upload(**named, MultipartUpload={"Parts": listed}))
        except ClientError as refused:
            if refused.response["Error"]["Code"] in _OTHER_PARTS:
                raise UploadChanged("Parts were sent anew while the upload was completed.") from refused
            raise

    def _probe_sha256(self) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._write(ChecksumSHA256=_OF_NOTHING)
        except ClientError as refused:
            return str(refused.response["Error"]["Code"]) in ("BadDigest", "XAmzContentChecksumMismatch")
        return False

    def _delete_under(self, prefix: str) -> int:
        removed = 0
        for page in self._pages(prefix):
            for start in range(0, len(page), _DELETED_AT_ONCE):
                named = page[start : start + _DELETED_AT_ONCE]
                doomed = [{"Key": self._bucket.key(listed.key)} for listed in named]
                answer = self._client.delete_objects(
                    Bucket=self._bucket.name, Delete={"Objects": doomed, "Quiet": True}
                )
                if answer.get("Errors"):
                    raise StorageUnavailable("The store refused to delete some objects.")
                removed += len(doomed)
        return removed

    def _pages(self, prefix: str) -> Iterator[list[ListedObject]]:
        where = self._bucket.key(f"{prefix}/" if prefix else "")
        outside = len(self._bucket.key(""))
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket.name, Prefix=where, PaginationConfig={"PageSize": port.PAGE_OBJECTS}
        )
        for page in pages:
            yield [
                ListedObject(
                    entry["Key"][outside:], int(entry["Size"]), round(entry["LastModified"].timestamp() * 1000)
                )
                for entry in page.get("Contents", ())
            ]

    async def _in_thread(self, work: Callable[[], T]) -> T:
        def guarded() -> T:
            with _store_errors():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, guarded)


def _client(bucket: Bucket) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    # Newer checksums are not understood by B2 and R2; v4 is the only signature that all of them take.
    # AWS is signed for under the region's own host: other regions than us-east-1 refuse the global one's signature.
    addressing = "virtual" if bucket.endpoint_url is None and bucket.addressing == "auto" else bucket.addressing
    config = Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": addressing, "us_east_1_regional_endpoint": "regional"},
        connect_timeout=5,
        read_timeout=15,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=_THREADS,
    )
    try:
        session = boto3.session.Session()
        if session.get_credentials() is None:
            raise SettingsError("REVELA_STORAGE_URL: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the bucket")
        return session.client(
            "s3", endpoint_url=bucket.endpoint_url, region_name=bucket.region or "us-east-1", config=config
        )
    except (BotoCoreError, ValueError) as wrong:
        raise SettingsError(f"REVELA_STORAGE_URL: {wrong}") from wrong


def _unless_missing(ask: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """Return the store's answer; None if it says that there is no such object."""
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as refused:
        if refused.response["Error"]["Code"] not in _MISSING:
            raise
        return None


def _bare(etag: str | None) -> str | None:
    return None if etag is None else etag.removeprefix("W/").strip('"')


def _base64_of(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()


@contextlib.contextmanager
def _store_errors() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as failed:
        raise StorageUnavailable from failed
