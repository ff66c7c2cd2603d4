"""A file on its way here: taken up where it broke off, whole and checked before it gets its name."""

import re
from collections.abc import Callable
from http import HTTPStatus
from io import BufferedWriter
from pathlib import Path

import httpx

from revela.client.api.answers import error_of
from revela.client.downloads.places import sha256_of
from revela.client.errors import ClientError, ConnectionFailed, DownloadDamaged
from shared.wire.job import OutputView

_STARTS_AT = re.compile(r"bytes (\d+)-")

OnBytes = Callable[[int], object]
"""Is told how much of a file is here now."""


class PartialFile:
    """One output that becomes `path`.

    Until it is whole it lies beside it as ``.NAME.part``, with the ETag of what it is a part of in ``.NAME.part.etag``:
    so a later run goes on, and never puts together what does not belong together.
    """

    def __init__(self, output: OutputView, path: Path, on_bytes: OnBytes = lambda _: None) -> None:
        self.url = output.url
        self.path = path
        self.size_bytes = 0
        """How much of it is here."""
        self.furthest_bytes = 0
        """The most that ever was here at once."""
        self._output = output
        self._on_bytes = on_bytes
        self._part = path.with_name(f".{path.name}.part")
        self._etag = path.with_name(f".{path.name}.part.etag")
        self._file: BufferedWriter | None = None
        self._resumed = False

    def headers(self) -> dict[str, str]:
        """Return what asks for the rest of the file; nothing where there is no part that its server would know."""
        self.close()
        size_bytes = self._part.stat().st_size if self._part.is_file() else 0
        if not (0 < size_bytes <= self._output.size_bytes and self._etag.is_file()):
            return {}
        return {"Range": f"bytes={size_bytes}-", "If-Range": self._etag.read_text()}

    def began(self, response: httpx.Response) -> None:
        """Take the head of an answer; where that is no success, its body must have been read. ClientError."""
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            # The part is as long as the file already; what it is worth is seen at the end.
            self._open("ab")
            if self.size_bytes < self._output.size_bytes:
                raise self._damaged("its server has less than was made")
        elif not response.is_success:
            raise error_of(response)
        elif response.status_code == HTTPStatus.PARTIAL_CONTENT:
            start = _STARTS_AT.match(response.headers.get("content-range", ""))
            self._open("ab")
            if start is None or int(start[1]) != self.size_bytes:
                raise self._damaged("another part came than was asked for")
        else:
            self._open("wb")
            self._keep_etag(response.headers.get("etag", ""))

    def write(self, block: bytes) -> None:
        """Add what has arrived."""
        assert self._file is not None  # noqa: S101 - `began` comes first
        self._file.write(block)
        self._here(self.size_bytes + len(block))
        if self.size_bytes > self._output.size_bytes:
            raise self._damaged("more arrived than was made")

    def finish(self) -> Path:
        """Give the file its name. ConnectionFailed if it is not all here, DownloadDamaged if it is something else."""
        self.close()
        if self.size_bytes < self._output.size_bytes:
            raise ConnectionFailed(f"{self.path.name} broke off after {self.size_bytes} bytes")
        if sha256_of(self._part) != self._output.sha256:
            raise self._damaged("it is not what its SHA-256 says")
        self._part.replace(self.path)
        self._etag.unlink(missing_ok=True)
        return self.path

    def close(self) -> None:
        """Let go of the part; it stays for a later run."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, mode: str) -> None:
        file = self._part.open(mode)
        assert isinstance(file, BufferedWriter)  # noqa: S101 - binary modes give that
        self._file = file
        self._resumed = mode == "ab"
        self._here(self._part.stat().st_size)

    def _keep_etag(self, etag: str) -> None:
        """Keep a strong ETag; a weak one says nothing of single bytes (RFC 9110 §13.1.5)."""
        if etag.startswith('"') and etag.isascii():
            self._etag.write_text(etag)
        else:
            self._etag.unlink(missing_ok=True)

    def _here(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.furthest_bytes = max(self.furthest_bytes, size_bytes)
        self._on_bytes(size_bytes)

    def _damaged(self, reason: str) -> ClientError:
        """Drop the part and return the error that says why."""
        self.close()
        self._part.unlink(missing_ok=True)
        self._etag.unlink(missing_ok=True)
        self.size_bytes = 0
        return DownloadDamaged(f"{self.path.name} arrived damaged: {reason}; try again", resumed=self._resumed)
