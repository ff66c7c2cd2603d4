"""An uploaded file that was replaced after its upload was completed is not worked on."""

from pathlib import Path
from typing import Any

import pytest

from shared.errors import InputUnavailable
from shared.wire.work_order import InputGrant
from tests.loopback import raw_server
from tests.worker.transfer.test_fetch import clients
from worker.transfer.fetch import Sources, download


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


async def test_an_address_that_was_renewed_leads_to_the_same_file_or_to_none(tmp_path: Path) -> None:
    ended = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    other = b'HTTP/1.1 200 OK\r\nETag: "b"\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello'
    async with raw_server(ended) as first, raw_server(other) as second, clients() as both:
        fresh = InputGrant(url=f"{second.base_url}/photo", origin="own", max_bytes=10)

        class Renewing:
            """Grants the second address."""

            async def input(self, source: str, grant: InputGrant) -> InputGrant:
                return fresh

        renewals: Any = Renewing()
        grant = InputGrant(url=f"{first.base_url}/photo", origin="own", max_bytes=10, etag="a")
        media = {"upload://a": grant}
        sources = Sources(both, media, tmp_path, max_bytes=10, timeout_s=5, uses=media, renewals=renewals)
        with pytest.raises(InputUnavailable, match="was replaced"):
            await sources.fetch("upload://a")
        assert (first.connections, second.connections) == (1, 1)
        await sources.close()
