"""One file on its way: which parts are still to be sent, where to, and how far it is."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

import httpx

from revela.client.errors import ClientError, ServerError, UploadFailed
from revela.client.uploads.source import SourceFile
from shared.uploads.upload import PartAddress, UploadState, UploadView

_WHOLE = 1
"""The number of a file's only part."""
_MAY_PASS = (
    HTTPStatus.FORBIDDEN,  # an address that has ended; the next try has a fresh one
    HTTPStatus.GONE,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_MANY_REQUESTS,
)


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far a file is: first it is read, to know its hash, then it is sent."""

    stage: Literal["reading", "sending"]
    bytes_done: int
    bytes_total: int


OnUpload = Callable[[UploadProgress], object]
"""Is given every step; from one thread at a time."""


class Stopped(ClientError):
    """The upload was given up, since another part of it failed."""


class Sending:
    """What is left to be sent of a file, by any number of threads."""

    def __init__(self, source: SourceFile, upload: UploadView, on_progress: OnUpload | None) -> None:
        """Take the upload as its server told it; the parts that it has received are not sent again."""
        self.upload_id = upload.id
        self._source = source
        self._in_parts = upload.part_bytes is not None
        self._part_bytes = upload.part_bytes or source.size_bytes
        self._addresses: dict[int, PartAddress] = {}
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._stopped = False
        received = {part.n for part in upload.received or () if part.size_bytes == self._size(part.n)}
        self._sent = {n: self._size(n) for n in received}
        self.left = [n for n in range(1, (upload.parts_total or 1) + 1) if n not in received]
        """Parts that are to be sent."""
        self.learn(upload)
        self._tell()

    def learn(self, upload: UploadView) -> None:
        """Keep the addresses that the server told."""
        told = list(upload.parts or ())
        if upload.url is not None:
            told.append(
                PartAddress(n=_WHOLE, url=upload.url, headers=upload.headers or {}, size_bytes=self._source.size_bytes)
            )
        with self._lock:
            self._addresses |= {address.n: address for address in told}

    def take_address(self, n: int) -> PartAddress | None:
        """Return where a part is sent, once: whoever fails there asks for a fresh address."""
        with self._lock:
            return self._addresses.pop(n, None)

    def asked_for(self, n: int) -> list[int]:
        """Return the parts to ask addresses for: of one that comes in parts, `n`; of another, none need be named."""
        return [n] if self._in_parts else []

    def pieces(self, n: int) -> Iterator[bytes]:
        """Yield a part, and tell how far it is; Stopped once all is to stop."""
        done = 0
        for piece in self._source.pieces((n - 1) * self._part_bytes, self._size(n)):
            self._count(n, done)
            yield piece
            done += len(piece)
        self._count(n, done)

    def answered(self, n: int, response: httpx.Response) -> None:
        """Take the answer to a part's PUT. ServerError for what may pass, UploadFailed."""
        if response.is_success:
            self._count(n, self._size(n))
            return
        self._count(n, 0)
        detail = f"the storage at {response.url.host} answered {response.status_code} {response.reason_phrase}"
        if response.is_server_error or response.status_code in _MAY_PASS:
            raise ServerError(detail.rstrip(), response.status_code)
        raise UploadFailed(f"{detail.rstrip()}; upload the file again")

    def finish(self) -> None:
        """Look whether it is the same file in the end; InvalidArgument."""
        self._source.check_unchanged()

    def stop(self) -> None:
        """Let every part be given up at its next piece."""
        self._stopped = True

    def _size(self, n: int) -> int:
        return min(self._part_bytes, self._source.size_bytes - (n - 1) * self._part_bytes)

    def _count(self, n: int, size_bytes: int) -> None:
        with self._lock:
            if self._stopped:
                raise Stopped
            self._sent[n] = size_bytes
            self._tell()

    def _tell(self) -> None:
        if self._on_progress is not None:
            self._on_progress(UploadProgress("sending", sum(self._sent.values()), self._source.size_bytes))


def checked(upload: UploadView) -> UploadView:
    """Return an upload that its server says is completed; UploadFailed for another."""
    if upload.state is not UploadState.COMPLETED:
        raise UploadFailed(f"the upload is {upload.state}; upload the file again")
    return upload


def read_sha256(source: SourceFile, on_progress: OnUpload | None) -> str:
    """Return a file's hash, telling how far the reading is."""

    def told(done: int) -> None:
        if on_progress is not None:
            on_progress(UploadProgress("reading", done, source.size_bytes))

    return source.sha256(told)
