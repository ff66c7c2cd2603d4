"""Storing one file or document."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from shared.errors import OutputInvalid, OutputTooLarge, UploadFailed
from shared.wire.problem import ProblemField
from shared.wire.work_order import UploadGrant
from tests.loopback import DROP, ObjectServer, object_server, raw_server
from worker.transfer.upload import ATTEMPTS, Uploader

BODY = bytes(range(256)) * 20_000


@pytest.fixture
async def store() -> AsyncIterator[ObjectServer]:
    """An empty object store."""
    async with object_server() as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client as the task opens it."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as opened:
        yield opened


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file of 5 MB."""
    path = tmp_path / "video.mp4"
    path.write_bytes(BODY)
    return path


def grant(url: str, **changes: object) -> UploadGrant:
    """Return the right to PUT there."""
    fields = {"key": "t/video.mp4", "url": url, "content_type": "video/mp4", "max_bytes": 1 << 30}
    return UploadGrant.model_validate(fields | changes)


async def test_file_arrives_whole_with_length_type_and_the_granted_headers(
    store: ObjectServer, session: aiohttp.ClientSession, film: Path
) -> None:
    granted = grant(store.url("k"), headers={"x-amz-tagging": "a=1"})
    stored = await Uploader(session).file(granted, film, 1 << 30)

    assert store.objects["k"].body == BODY
    headers = {name.lower(): text for name, text in store.objects["k"].headers.items()}
    assert headers["content-length"] == str(len(BODY))
    assert headers["content-type"] == "video/mp4"
    assert headers["x-amz-tagging"] == "a=1"
    assert "transfer-encoding" not in headers
    assert (stored.key, stored.content_type) == ("t/video.mp4", "video/mp4")
    assert (stored.size_bytes, stored.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())


async def test_granted_content_type_wins_over_the_default(
    store: ObjectServer, session: aiohttp.ClientSession, film: Path
) -> None:
    await Uploader(session).file(grant(store.url("k"), headers={"content-type": "video/x"}), film, 1 << 30)
    types = [text for name, text in store.objects["k"].headers.items() if name.lower() == "content-type"]
    assert types == ["video/x"]


async def test_signed_address_is_called_as_it_was_written(session: aiohttp.ClientSession, film: Path) -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server:
        await Uploader(session).document(
            grant(f"{server.base_url}/a%2Fb?X-Sig=%2B%7E&x"), ProblemField(pointer="", detail="")
        )
    assert server.heads[0].startswith(b"PUT /a%2Fb?X-Sig=%2B%7E&x HTTP/1.1\r\n")


@pytest.mark.parametrize("faults", [(503,), (500, 429), (DROP,), (408, DROP, 503)])
async def test_passing_failure_is_tried_again_with_the_whole_body(
    store: ObjectServer, session: aiohttp.ClientSession, film: Path, faults: tuple[int, ...]
) -> None:
    store.fail("PUT", "k", *faults)
    stored = await Uploader(session).file(grant(store.url("k")), film, 1 << 30)
    assert store.objects["k"].body == BODY
    assert stored.sha256 == hashlib.sha256(BODY).hexdigest()


@pytest.mark.parametrize("status", [400, 403, 404, 412, 413, 302])
async def test_refusal_is_final_and_asked_once(
    store: ObjectServer, session: aiohttp.ClientSession, film: Path, status: int
) -> None:
    store.fail("PUT", "k", status)
    with pytest.raises(UploadFailed, match=str(status)):
        await Uploader(session).file(grant(store.url("k")), film, 1 << 30)
    assert store.count("PUT", "k") == 1


async def test_lasting_failure_fails_the_upload(
    store: ObjectServer, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.transfer.upload.FIRST_PAUSE_S", 0.01)
    store.fail("PUT", "k", *[503] * 10)
    with pytest.raises(UploadFailed) as caught:
        await Uploader(session).document(grant(store.url("k")), ProblemField(pointer="/", detail="x"))
    assert caught.value.code == "upload-failed"
    assert store.count("PUT", "k") == ATTEMPTS


async def test_missing_file_and_link_are_invalid_and_nothing_is_sent(
    store: ObjectServer, session: aiohttp.ClientSession, film: Path
) -> None:
    link = film.with_name("link.mp4")
    link.symlink_to(film)
    for path in (film.with_name("missing.mp4"), link, film.parent):
        with pytest.raises(OutputInvalid):
            await Uploader(session).file(grant(store.url("k")), path, 1 << 30)
    assert store.requests == []


@pytest.mark.parametrize(("granted", "slot"), [(len(BODY) - 1, 1 << 30), (1 << 30, len(BODY) - 1)])
async def test_file_larger_than_grant_or_slot_is_not_sent(
    store: ObjectServer, session: aiohttp.ClientSession, film: Path, granted: int, slot: int
) -> None:
    with pytest.raises(OutputTooLarge):
        await Uploader(session).file(grant(store.url("k"), max_bytes=granted), film, slot)
    assert store.requests == []
