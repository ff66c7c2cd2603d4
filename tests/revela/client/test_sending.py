"""What the storage or the server may answer to a file that was sent, though neither has taken it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from revela import UploadFailed
from revela.client.patience import PATIENT
from revela.client.uploads.asynchronous import AsyncUploader
from revela.client.uploads.blocking import Uploader
from revela.client.uploads.source import SourceFile
from shared.uploads.upload import UploadState, UploadView
from tests.loopback import raw_server

NOW = datetime.now(UTC)
BODY = b"\xff\xd8\xff" + b"x" * 100
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
MOVED = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def view(url: str, state: UploadState) -> UploadView:
    return UploadView(
        id="upl_01HZZZZZZZZZZZZZZZZZZZZZZZ",
        state=state,
        name="a.jpg",
        size_bytes=len(BODY),
        content_type="image/jpeg",
        sha256=None,
        verified=False,
        problem=None,
        method="PUT",
        url=f"{url}/a",
        headers={},
        part_bytes=None,
        parts_total=None,
        parts=None,
        received=None,
        urls_expire_at=NOW,
        created_at=NOW,
        completed_at=None,
        expires_at=NOW,
    )


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SourceFile:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    file = tmp_path / "a.jpg"
    file.write_bytes(BODY)
    return SourceFile.of(file)


@asynccontextmanager
async def storage(answer: bytes) -> AsyncIterator[str]:
    """Serve a storage that reads the whole file, then answers."""

    async def take(_: bytes, writer: Any) -> None:
        writer.write(answer)
        await writer.drain()

    async with raw_server(take) as server:
        yield server.base_url


@pytest.mark.parametrize(
    ("answer", "state", "words"), [(MOVED, "completed", "redirect"), (TAKEN, "expired", "the upload is expired")]
)
@pytest.mark.parametrize("kind", ["blocking", "asynchronous"])
async def test_a_file_that_was_not_taken_is_an_upload_that_failed(
    source: SourceFile, kind: str, answer: bytes, state: str, words: str
) -> None:
    async with storage(answer) as url:
        told = [view(url, UploadState.WAITING), view(url, UploadState(state))]
        with pytest.raises(UploadFailed, match=words):
            await send(kind, source, told)


async def send(kind: str, source: SourceFile, told: list[UploadView]) -> None:
    if kind == "blocking":

        def call(*_: Any) -> UploadView:
            return told.pop(0)

        with httpx.Client(follow_redirects=True) as links:
            await asyncio.to_thread(Uploader("http://x", call, links, PATIENT).upload, source, 1, None)
        return

    async def call_too(*_: Any) -> UploadView:
        return told.pop(0)

    async with httpx.AsyncClient(follow_redirects=True) as many:
        await AsyncUploader("http://x", call_too, many, PATIENT).upload(source, 1, None)
