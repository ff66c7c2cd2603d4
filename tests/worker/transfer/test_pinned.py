"""An uploaded file that was replaced after its upload was completed is not worked on."""

from pathlib import Path

import pytest

from shared.errors import InputUnavailable
from shared.wire.work_order import InputGrant
from tests.loopback import raw_server
from tests.worker.transfer.test_fetch import clients
from worker.transfer.fetch import download


async def fetched(told: bytes, pinned: str | None, target: Path) -> bytes:
    answer = b"HTTP/1.1 200 OK\r\n" + told + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello"
    async with raw_server(answer) as server, clients() as both:
        grant = InputGrant(url=f"{server.base_url}/photo", origin="own", max_bytes=10, etag=pinned)
        return (await download(both, grant, target, max_bytes=10, timeout_s=5)).path.read_bytes()


@pytest.mark.parametrize(("told", "pinned"), [(b'ETag: "a-2"\r\n', "a-2"), (b'ETag: "b"\r\n', None), (b"", None)])
async def test_the_file_that_was_uploaded_is_taken(told: bytes, pinned: str | None, tmp_path: Path) -> None:
    assert await fetched(told, pinned, tmp_path / "source") == b"hello"


@pytest.mark.parametrize("told", [b'ETag: "b"\r\n', b""])
async def test_another_file_is_not(told: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputUnavailable, match="was replaced"):
        await fetched(told, "a", tmp_path / "source")
