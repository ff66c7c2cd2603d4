"""Files over HTTP: the stable links to outputs, and the disk storage's own signed addresses."""

import os
import re
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

import anyio.to_thread
import structlog
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from orchestrator.api.door.described import Described, Header, Reply
from orchestrator.api.door.problems import answer, request_id_of
from orchestrator.services import Services
from orchestrator.storage.port import LocalDownload, RedirectDownload, StoredObject
from orchestrator.store.reading import OutputRow, output_row
from orchestrator.views import OUTPUT_PURPOSE, output_file_name
from shared.errors import StorageUnavailable, StoreUnavailable
from shared.refusals import LinkExpired, LinkInvalid, NotFound, OutputLost, RangeNotSatisfiable

CHUNK_BYTES = 512 << 10
"""How much of a file is read at once, in a thread."""

CDN_CACHE_S = 3600
"""How long a CDN may keep an output at most: so long one that was deleted early may still be had there."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "accept-ranges": "bytes",
}
"""A file that a stranger made must not act as a page of ours, whatever is in it."""


@runtime_checkable
class OwnAddresses(Protocol):
    """What a storage has whose signed addresses lead to this server."""

    async def open_read(self, token: str) -> LocalDownload | None:
        """Return the file that a read token names; LinkInvalid, LinkExpired."""
        ...

    async def receive(self, token: str, headers: Mapping[str, str], stream: AsyncIterator[bytes]) -> StoredObject:
        """Store what is PUT with an upload token."""
        ...


async def get_output(services: Services, request: Request) -> Response:
    """``GET /output/{token}/{name}``: the file behind an output link, or behind a read address of the disk storage.

    404 while or when there is no such file, 410 past its time or when it was replaced, 403 for a token that is none.
    """
    token, name = request.path_params["token"], request.path_params["name"]
    try:
        job_id, item_n, slot = services.signer.open(OUTPUT_PURPOSE, token).split("/")
    except LinkInvalid:
        return await _read_address(services, request, token, name)
    structlog.contextvars.bind_contextvars(job_id=job_id)
    output = await services.store.read(lambda connection: _living_output(services, connection, job_id, item_n, slot))
    key = output.stored["key"]
    file_name = output_file_name(output.item_id, key)
    if name != file_name:
        raise NotFound
    cached_s = _cached_s(services, output)
    found = await services.storage.download(key, file_name, cached_s=cached_s)
    if found is not None and found.etag != output.stored.get("etag", found.etag):
        raise OutputLost("This file was replaced after its item had completed.")
    match found:
        case RedirectDownload(url):
            return RedirectResponse(url, 307, {"cache-control": "no-store"})
        case LocalDownload() as file:
            headers = {
                "etag": f'"{output.stored["sha256"]}"',
                "content-type": output.stored["content_type"],
                "content-disposition": f'attachment; filename="{file_name}"',
                "cache-control": f"public, max-age={cached_s}" if cached_s else "private, no-cache",
            }
            return await _file_response(request, file, headers)
        case None:
            raise NotFound


async def put_output(services: Services, request: Request) -> Response:
    """``PUT /output/{token}/{name}``: an upload address of the disk storage."""
    if not isinstance(services.storage, OwnAddresses):
        raise NotFound
    stored = await services.storage.receive(request.path_params["token"], request.headers, request.stream())
    return Response(status_code=200, headers={"etag": f'"{stored.etag}"'})


async def _read_address(services: Services, request: Request, token: str, name: str) -> Response:
    if not isinstance(services.storage, OwnAddresses):
        raise LinkInvalid
    file = await services.storage.open_read(token)
    if file is None or file.path.name != name:
        raise NotFound
    headers = {"content-type": "application/octet-stream", "content-disposition": "attachment"}
    if file.etag is not None:
        headers["etag"] = f'"{file.etag}"'
    return await _file_response(request, file, {**headers, "cache-control": "no-store"})


def _living_output(services: Services, connection: Connection, job_id: str, item_n: str, slot: str) -> OutputRow:
    output = output_row(connection, job_id, int(item_n), slot)
    if output is None:
        raise NotFound
    if output.expires_ms is not None and services.clock.now_ms() >= output.expires_ms:
        raise LinkExpired("This output was kept until its job's expires_at; that time is over.")
    if "lost_ms" in output.stored:
        raise OutputLost
    return output


def _cached_s(services: Services, output: OutputRow) -> int:
    """Return how long caches may keep an output: not at all without a CDN, and never beyond its time."""
    if services.settings.cdn_url is None:
        return 0
    if output.expires_ms is None:
        return CDN_CACHE_S
    return min((output.expires_ms - services.clock.now_ms()) // 1000, CDN_CACHE_S)


async def _file_response(request: Request, file: LocalDownload, headers: Mapping[str, str]) -> Response:
    """Return a file, or the one part of it that was asked for."""
    headers = {**_SAFE_HEADERS, **headers}
    etag = headers.get("etag")
    if etag is not None and etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"etag": etag, "cache-control": headers["cache-control"]})
    opened, size_bytes = await anyio.to_thread.run_sync(_opened, file.path)
    wanted = None
    if request.headers.get("if-range", etag) == etag:
        try:
            wanted = wanted_range(request.headers.get("range"), size_bytes)
        except RangeNotSatisfiable as outside:
            opened.close()
            return answer(outside, request_id_of(request), {"content-range": f"bytes */{size_bytes}"})
    start, end = wanted or (0, size_bytes)
    headers["content-length"] = str(end - start)
    if wanted:
        headers["content-range"] = f"bytes {start}-{end - 1}/{size_bytes}"
    status = 206 if wanted else 200
    if request.method == "HEAD":
        opened.close()
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_pieces(opened, start, end), status, headers)


def _opened(path: Path) -> tuple[BinaryIO, int]:
    """Return an open file and its size; NotFound for one that was deleted since it was looked up."""
    try:
        opened = path.open("rb", buffering=0)
    except FileNotFoundError:
        raise NotFound from None
    return opened, os.fstat(opened.fileno()).st_size


def wanted_range(header: str | None, size_bytes: int) -> tuple[int, int] | None:
    """Return (start, end behind the last byte) of a Range header (RFC 9110 §14.2); None for the whole file.

    What is not one single range of bytes is ignored, as the RFC allows. RangeNotSatisfiable if it lies outside.
    """
    asked = _RANGE.fullmatch(header or "")
    if asked is None or asked.groups() == ("", ""):
        return None
    first, last = asked.groups()
    if first == "":
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        start, end = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < start:
            return None
    if start >= end:
        raise RangeNotSatisfiable(f"The file has {size_bytes} bytes.")
    return start, end


async def _pieces(opened: BinaryIO, start: int, end: int) -> AsyncIterator[bytes]:
    try:
        await anyio.to_thread.run_sync(opened.seek, start)
        while start < end:
            piece = await anyio.to_thread.run_sync(opened.read, min(CHUNK_BYTES, end - start))
            if not piece:
                raise EOFError("the file became shorter while it was sent")
            start += len(piece)
            yield piece
    finally:
        opened.close()


ROUTES = (
    Described(
        "GET",
        "/output/{token}/{name}",
        "Fetch an output",
        open=get_output,
        replies=(
            Reply("The file, in its own type", media_type="*/*"),
            Reply("The part that was asked for", status=HTTPStatus.PARTIAL_CONTENT, media_type="*/*"),
            Reply("The client has it already", status=HTTPStatus.NOT_MODIFIED, media_type=None),
            Reply("The file lies there", status=HTTPStatus.TEMPORARY_REDIRECT, media_type=None),
        ),
        headers=(
            Header("Range", "One range of bytes; others are ignored", "bytes=0-1023"),
            Header("If-None-Match", "The ETag of the file that is known already", f'"{"0" * 64}"'),
        ),
        refusals=(LinkInvalid, LinkExpired, OutputLost, RangeNotSatisfiable, StoreUnavailable, StorageUnavailable),
        group="Outputs",
    ),
    Described(
        "PUT",
        "/output/{token}/{name}",
        "Upload to an address of the disk storage",
        open=put_output,
        replies=(Reply("Stored", media_type=None),),
        listed=False,
    ),
)
