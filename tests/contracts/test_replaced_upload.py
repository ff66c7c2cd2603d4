"""A signed address can be used again while it lasts: whoever replaces a file by it is caught by the pinned ETag."""

from pathlib import Path

import pytest

from shared.errors import InputUnavailable
from shared.wire.work_order import InputGrant
from tests.contracts.conftest import StorageAtWork
from tests.worker.transfer.test_fetch import clients
from worker.transfer.fetch import download

KEY = "acme/uploads/01HZZZZZZZZZZZZZZZZZZZZZZZ"


async def put(at_work: StorageAtWork, url: str, body: bytes) -> int:
    answer = await at_work.client.put(at_work.reachable(url), content=body, headers={"content-type": "image/png"})
    return answer.status_code


async def fetched(at_work: StorageAtWork, etag: str | None, target: Path) -> bytes:
    """Fetch the file as a worker does that was told its ETag."""
    url = at_work.storage.read_url(KEY, at_work.clock.now_ms() + 60_000)
    absolute = str(at_work.client.base_url.join(at_work.reachable(url)))
    async with clients() as both:
        grant = InputGrant(url=absolute, origin="own", max_bytes=10, etag=etag)
        return (await download(both, grant, target, max_bytes=10, timeout_s=5)).path.read_bytes()


async def test_a_second_put_is_taken_and_caught(at_work: StorageAtWork, tmp_path: Path) -> None:
    signed = at_work.storage.grant_put(KEY, "image/png", 5, at_work.clock.now_ms() + 60_000)
    assert await put(at_work, signed.url, b"hello") == 200
    first = await at_work.storage.head(KEY)
    assert first is not None
    assert first.etag
    assert await fetched(at_work, first.etag, tmp_path / "first") == b"hello"
    assert await put(at_work, signed.url, b"HELLO") == 200
    second = await at_work.storage.head(KEY)
    assert second is not None
    assert second.etag != first.etag
    with pytest.raises(InputUnavailable, match="was replaced"):
        await fetched(at_work, first.etag, tmp_path / "second")
