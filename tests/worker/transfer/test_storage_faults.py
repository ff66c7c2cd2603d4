"""F20: what a store and the way to it can do wrong while something is stored, and that it ends whole or not at all."""

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from shared.errors import UploadFailed
from shared.wire.problem import ProblemField
from shared.wire.work_order import UploadGrant
from tests import s3_servers
from tests.loopback import ObjectServer, object_server
from tests.worker import orders
from tests.worker.transfer.chaos_proxy import ChaosProxy, Fault, chaos_proxy
from tests.worker.transfer.scripted_store import scripted_store
from worker.transfer.connection import own_session
from worker.transfer.renewal import Renewals
from worker.transfer.upload import ATTEMPTS, Uploader
from worker.transfer.verdict import GrantRefused, md5_of_etag

BODY = bytes(range(256)) * (4 << 12)
MD5 = hashlib.md5(BODY).hexdigest()
DOCUMENT = ProblemField(pointer="/", detail="x")
DOCUMENT_MD5 = hashlib.md5(DOCUMENT.model_dump_json().encode()).hexdigest()
OTHER_MD5 = "0" * 32
SLOW_DOWN = "<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The client that a task uses."""
    async with own_session() as opened:
        yield opened


@pytest.fixture
async def store() -> AsyncIterator[ObjectServer]:
    """An empty object store."""
    async with object_server() as server:
        yield server


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file of 4 MiB."""
    path = tmp_path / "video.mp4"
    path.write_bytes(BODY)
    return path


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr("worker.transfer.upload.FIRST_PAUSE_S", 0.01)


def grant(url: str, *, content_md5: bool = False) -> UploadGrant:
    """Return the right to PUT there."""
    return UploadGrant(key="k", url=url, content_type="video/mp4", max_bytes=1 << 30, content_md5=content_md5)


@pytest.mark.parametrize(
    "fault",
    [Fault(cut_after=len(BODY) // 2), Fault(cut_after=0), Fault(lose_answer=True)],
    ids=["cut at half", "cut at once", "answer lost"],
)
async def test_broken_connection_is_followed_by_a_fresh_one(
    store: ObjectServer, session: aiohttp.ClientSession, film: Path, fault: Fault
) -> None:
    async with chaos_proxy(store.base_url, fault, fault) as proxy:
        stored = await Uploader(session).file(grant(f"{proxy.url}/k"), film, 1 << 30)
    assert store.objects["k"].body == BODY
    assert stored.sha256 == hashlib.sha256(BODY).hexdigest()
    assert [head.split(b"\r\n")[0] for head in proxy.heads] == [b"PUT /k HTTP/1.1"] * 3


async def test_upload_that_stands_still_is_broken_off_and_tried_again(
    store: ObjectServer, session: aiohttp.ClientSession, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.transfer.upload.STALL_S", 0.5)
    async with chaos_proxy(store.base_url, Fault(stall_after=len(BODY) // 2), Fault(stall_after=0)) as proxy:
        await Uploader(session).file(grant(f"{proxy.url}/k"), film, 1 << 30)
        assert len(proxy.heads) == 3
    assert store.objects["k"].body == BODY


async def test_slow_upload_that_moves_is_left_in_peace(
    store: ObjectServer, session: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.transfer.upload.STALL_S", 1.0)
    large = tmp_path / "large"
    large.write_bytes(bytes(16 << 20))
    async with chaos_proxy(store.base_url, Fault(pause_s=0.01)) as proxy:
        start_s = time.monotonic()
        await Uploader(session).file(grant(f"{proxy.url}/k"), large, 1 << 30)
        assert time.monotonic() - start_s > 1.5, "not slow enough to tell"
        assert len(proxy.heads) == 1


async def test_store_that_never_moves_is_given_up_in_bounded_time(
    store: ObjectServer, session: aiohttp.ClientSession, film: Path, monkeypatch: pytest.MonkeyPatch, no_pauses: None
) -> None:
    monkeypatch.setattr("worker.transfer.upload.STALL_S", 0.3)
    monkeypatch.setattr("worker.transfer.upload.PATIENCE_S", 1.0)
    monkeypatch.setattr("worker.transfer.upload.LEAST_BYTES_PER_S", 1 << 30)
    start_s = time.monotonic()
    async with chaos_proxy(store.base_url, *[Fault(stall_after=0)] * ATTEMPTS) as proxy:
        with pytest.raises(UploadFailed, match="too long"):
            await Uploader(session).file(grant(f"{proxy.url}/k"), film, 1 << 30)
        assert 1 < len(proxy.heads) < ATTEMPTS
    assert time.monotonic() - start_s < 10
    assert store.objects == {}


async def test_store_that_asks_for_patience_gets_it(session: aiohttp.ClientSession) -> None:
    slow_down = web.Response(status=503, text=SLOW_DOWN, headers={"Retry-After": "1"})
    async with scripted_store(slow_down, web.Response(status=500)) as asked:
        start_s = time.monotonic()
        await Uploader(session).document(grant(asked.url), DOCUMENT)
        assert time.monotonic() - start_s >= 1
        assert len(asked.bodies) == 3


@pytest.mark.parametrize("code", ["RequestTimeout", "IncompleteBody", "BadDigest"])
async def test_refusal_that_may_pass_is_tried_again(session: aiohttp.ClientSession, code: str, no_pauses: None) -> None:
    async with scripted_store(web.Response(status=400, text=SLOW_DOWN.replace("SlowDown", code))) as asked:
        await Uploader(session).document(grant(asked.url), DOCUMENT)
        assert len(asked.bodies) == 2


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "InvalidRequest"), (412, "PreconditionFailed"), (404, "NoSuchBucket"), (413, "EntityTooLarge")],
)
async def test_refusal_for_good_is_told_with_the_store_s_word_for_it(
    session: aiohttp.ClientSession, status: int, code: str
) -> None:
    async with scripted_store(web.Response(status=status, text=SLOW_DOWN.replace("SlowDown", code))) as asked:
        with pytest.raises(UploadFailed, match=rf"status {status} \({code}\)") as caught:
            await Uploader(session).document(grant(asked.url), DOCUMENT)
        assert not isinstance(caught.value, GrantRefused)
        assert len(asked.bodies) == 1


async def test_ended_grant_is_replaced_once(session: aiohttp.ClientSession) -> None:
    async with scripted_store(*[web.Response(status=403, text=SLOW_DOWN.replace("SlowDown", "AccessDenied"))] * 2) as s:
        renewed: list[str] = []

        class Fresh(Renewals):
            async def upload(self, ended: UploadGrant) -> UploadGrant:
                renewed.append(ended.url)
                return grant(f"{s.url}-fresh")

        renewals = Fresh(session, orders.order(ObjectServer(), "echo", {}))
        with pytest.raises(GrantRefused, match="AccessDenied"):
            await Uploader(session, renewals).document(grant(s.url), DOCUMENT)
        await Uploader(session, renewals).document(grant(s.url), DOCUMENT)
        assert renewed == [s.url]
        assert [path.endswith("-fresh") for path in s.paths] == [False, True, False]


@pytest.mark.parametrize("etag", [f'"{DOCUMENT_MD5}"', DOCUMENT_MD5.upper(), '"not-hex"', f'"{OTHER_MD5}-3"', ""])
async def test_etag_that_is_right_or_no_md5_is_taken(session: aiohttp.ClientSession, etag: str) -> None:
    async with scripted_store(web.Response(headers={"ETag": etag})) as asked:
        await Uploader(session).document(grant(asked.url, content_md5=True), DOCUMENT)
        assert len(asked.bodies) == 1


async def test_other_bytes_in_the_store_are_sent_again_and_then_a_failure(
    session: aiohttp.ClientSession, no_pauses: None
) -> None:
    wrong = [web.Response(headers={"ETag": f'"{OTHER_MD5}"'}) for _ in range(ATTEMPTS)]
    async with scripted_store(*wrong[:1]) as asked:
        await Uploader(session).document(grant(asked.url, content_md5=True), DOCUMENT)
        assert len(asked.bodies) == 2
    async with scripted_store(*wrong) as asked:
        with pytest.raises(UploadFailed, match="other bytes"):
            await Uploader(session).document(grant(asked.url, content_md5=True), DOCUMENT)


def test_etag_of_what_a_key_service_encrypted_is_no_md5() -> None:
    etag = {"ETag": f'"{OTHER_MD5}"'}
    assert md5_of_etag(etag) == md5_of_etag({**etag, "x-amz-server-side-encryption": "AES256"}) == OTHER_MD5
    assert md5_of_etag({**etag, "x-amz-server-side-encryption": "aws:kms"}) is None
    assert md5_of_etag({**etag, "x-amz-server-side-encryption-customer-algorithm": "AES256"}) is None


async def test_md5_is_sent_where_the_grant_says_that_it_is_checked(
    store: ObjectServer, session: aiohttp.ClientSession, film: Path
) -> None:
    await Uploader(session).file(grant(store.url("with"), content_md5=True), film, 1 << 30)
    await Uploader(session).file(grant(store.url("without")), film, 1 << 30)
    assert base64.b64decode(store.objects["with"].headers["Content-MD5"]).hex() == MD5
    assert "Content-MD5" not in store.objects["without"].headers


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real S3 server's address."""
    with s3_servers.rclone_server(tmp_path_factory.mktemp("buckets")) as url:
        yield url


def presigned(proxy: ChaosProxy, key: str, lasts_s: int = 60) -> UploadGrant:
    """Return a grant as the S3 storage makes it, for an address that leads through the proxy."""
    named = {"Bucket": s3_servers.BUCKET, "Key": key, "ContentType": "video/mp4"}
    url = s3_servers.client(proxy.url).generate_presigned_url("put_object", Params=named, ExpiresIn=lasts_s)
    return grant(url, content_md5=True)


def in_bucket(rclone: str, key: str) -> bytes | None:
    """Return what the store holds."""
    client = s3_servers.client(rclone)
    found = client.list_objects_v2(Bucket=s3_servers.BUCKET, Prefix=key).get("Contents", [])
    return client.get_object(Bucket=s3_servers.BUCKET, Key=key)["Body"].read() if found else None


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [Fault(cut_after=len(BODY) // 2), Fault(flip_at=len(BODY) // 2), Fault(lose_answer=True)],
    ids=["cut", "flipped", "answer lost"],
)
async def test_s3_store_has_the_whole_file_after_a_fault(
    rclone: str, session: aiohttp.ClientSession, film: Path, fault: Fault
) -> None:
    key = f"after-{hash(fault)}"
    async with chaos_proxy(rclone, fault) as proxy:
        stored = await Uploader(session).file(presigned(proxy, key), film, 1 << 30)
        assert len(proxy.heads) == 2
    assert await asyncio.to_thread(in_bucket, rclone, key) == BODY
    assert stored.size_bytes == len(BODY)


@pytest.mark.slow
async def test_s3_store_has_nothing_of_a_file_that_was_cut_for_good(
    rclone: str, session: aiohttp.ClientSession, film: Path, no_pauses: None
) -> None:
    async with chaos_proxy(rclone, *[Fault(cut_after=len(BODY) // 2)] * ATTEMPTS) as proxy:
        with pytest.raises(UploadFailed):
            await Uploader(session).file(presigned(proxy, "half"), film, 1 << 30)
    assert await asyncio.to_thread(in_bucket, rclone, "half") is None


@pytest.mark.slow
async def test_expired_address_of_an_s3_store_is_replaced(
    rclone: str, session: aiohttp.ClientSession, film: Path
) -> None:
    async with chaos_proxy(rclone) as proxy:
        ended = presigned(proxy, "late", lasts_s=1)
        await asyncio.sleep(2.1)  # rclone takes the second of the expiry as well

        class Fresh(Renewals):
            async def upload(self, ended: UploadGrant) -> UploadGrant:
                return presigned(proxy, ended.key)

        with pytest.raises(GrantRefused):
            await Uploader(session).file(ended, film, 1 << 30)
        assert await asyncio.to_thread(in_bucket, rclone, "late") is None
        renewals = Fresh(session, orders.order(ObjectServer(), "echo", {}))
        await Uploader(session, renewals).file(ended.model_copy(update={"key": "late"}), film, 1 << 30)
    assert await asyncio.to_thread(in_bucket, rclone, "late") == BODY
