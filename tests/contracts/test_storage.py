"""What every storage keeps to."""

import asyncio
import time

import pytest

from orchestrator.storage import port
from orchestrator.storage.disk import DiskStorage
from orchestrator.storage.port import ListedObject, LocalDownload, RedirectDownload, Storage
from tests.contracts.conftest import StorageAtWork

KEY = "acme/job_1/0-1/0/text.txt"
REFUSED = (400, 403, 410)
"""What stores answer to a signature that has ended."""


@pytest.fixture
def guarded(at_work: StorageAtWork) -> StorageAtWork:
    """Return an adapter whose store checks signatures."""
    if not at_work.guarded:
        pytest.skip("this store takes any signature")
    return at_work


async def test_what_was_put_is_found_by_every_way(at_work: StorageAtWork) -> None:
    assert (await at_work.put(at_work.grant(KEY), b"hello")).status_code == 200
    found = await at_work.storage.head(KEY)
    assert found is not None
    assert found.size_bytes == 5
    assert await at_work.storage.read(KEY, 5) == b"hello"
    got = await at_work.get(KEY)
    assert (got.status_code, got.content) == (200, b"hello")
    match await at_work.storage.download(KEY, "a.txt"):
        case LocalDownload(path, size_bytes):
            assert (path.read_bytes(), size_bytes) == (b"hello", 5)
        case RedirectDownload(url):
            assert (await at_work.client.get(url)).content == b"hello"
        case None:
            raise AssertionError


async def test_a_bucket_says_how_long_caches_may_keep_a_download(at_work: StorageAtWork) -> None:
    await at_work.put(at_work.grant(KEY), b"hello")
    match await at_work.storage.download(KEY, "a.txt", cached_s=60):
        case RedirectDownload(url):
            assert (await at_work.client.get(url)).headers["cache-control"] == "public, max-age=60"
        case LocalDownload():
            pytest.skip("the route that serves the file says it")
        case None:
            raise AssertionError


async def test_what_was_never_put_is_missing_by_every_way(at_work: StorageAtWork) -> None:
    assert await at_work.storage.head(KEY) is None
    assert await at_work.storage.read(KEY, 5) is None
    assert await at_work.storage.download(KEY, "a.txt") is None
    assert (await at_work.get(KEY)).status_code == 404
    assert await at_work.storage.head("acme") is None
    await at_work.put(at_work.grant(KEY), b"x")
    assert await at_work.storage.head("acme/job_1") is None
    assert await at_work.storage.head(f"{KEY}/deeper") is None


async def test_a_second_upload_takes_the_place_of_the_first(at_work: StorageAtWork) -> None:
    grant = at_work.grant(KEY)
    for body in (b"the first", b"second", b""):
        assert (await at_work.put(grant, body)).status_code == 200
        assert await at_work.storage.read(KEY, 100) == body


async def test_an_object_over_the_limit_is_not_read(at_work: StorageAtWork) -> None:
    await at_work.put(at_work.grant(KEY), b"hello")
    assert await at_work.storage.read(KEY, 4) is None


async def test_an_upload_of_another_type_is_refused(guarded: StorageAtWork) -> None:
    refused = await guarded.put(guarded.grant(KEY), b"<html>", content_type="text/html")
    assert refused.status_code == 403
    assert await guarded.storage.head(KEY) is None


async def test_capabilities_end_with_their_time(guarded: StorageAtWork) -> None:
    await guarded.put(guarded.grant(KEY), b"hello")
    grant = guarded.grant("acme/late.txt", lasts_s=2)
    url = guarded.reachable(guarded.storage.read_url(KEY, guarded.clock.now_ms() + 2_000))
    assert (await guarded.client.get(url)).status_code == 200
    await guarded.pass_time(3.1)
    assert (await guarded.put(grant, b"x")).status_code in REFUSED
    assert (await guarded.client.get(url)).status_code in REFUSED
    assert await guarded.storage.head("acme/late.txt") is None


async def test_one_capability_is_no_other(guarded: StorageAtWork) -> None:
    await guarded.put(guarded.grant(KEY), b"hello")
    upload = guarded.reachable(guarded.grant(KEY).url)
    read = guarded.reachable(guarded.storage.read_url(KEY, guarded.clock.now_ms() + 10_000))
    assert (await guarded.client.get(upload)).status_code == 403
    assert (await guarded.client.put(read, content=b"x", headers={"content-type": "text/plain"})).status_code == 403
    assert await guarded.storage.read(KEY, 100) == b"hello"


async def test_an_altered_address_opens_nothing(guarded: StorageAtWork) -> None:
    other = "acme/job_1/0-1/1/text.txt"
    await guarded.put(guarded.grant(KEY), b"hello")
    await guarded.put(guarded.grant(other), b"secret")
    url = guarded.reachable(guarded.storage.read_url(KEY, guarded.clock.now_ms() + 10_000))
    for altered in (url.replace("/0/text.txt", "/1/text.txt"), url[:-1] + ("0" if url[-1] != "0" else "1")):
        if altered != url:
            answer = await guarded.client.get(altered)
            assert answer.status_code in (*REFUSED, 404)
            assert b"secret" not in answer.content


async def test_many_uploads_at_once_all_arrive(at_work: StorageAtWork) -> None:
    keys = [f"acme/job_1/0-1/{n}/text.txt" for n in range(30)]
    answers = await asyncio.gather(*(at_work.put(at_work.grant(key), key.encode()) for key in keys))
    assert {answer.status_code for answer in answers} == {200}
    assert [await at_work.storage.read(key, 100) for key in keys] == [key.encode() for key in keys]


async def test_a_storage_that_works_passes_its_check(at_work: StorageAtWork) -> None:
    await at_work.storage.check()


async def test_what_a_store_checks_is_told_as_it_is(at_work: StorageAtWork) -> None:
    if not isinstance(at_work.storage, DiskStorage):
        found = await at_work.storage.honours()
        assert await at_work.storage.honours() is found
        assert await listed(at_work.storage, "") == [], "the probe leaves something"
    else:  # reached by the name that this test's client knows, which a probe would not
        found = await at_work.storage.honours()
    other = await at_work.put(at_work.grant(KEY), b"x", content_type="text/html")
    assert (other.status_code != 200) == found.content_type
    exact = at_work.storage.grant_put(KEY, "text/plain", 5, at_work.clock.now_ms() + 60_000)
    longer = await at_work.client.put(at_work.reachable(exact.url), content=b"longer", headers=dict(exact.headers))
    assert (longer.status_code != 200) == found.length
    await at_work.put(at_work.grant(KEY), b"first")
    again = await at_work.put(at_work.grant(KEY), b"second", if_none_match="*")
    assert (again.status_code != 200) == found.if_none_match
    assert await at_work.storage.verifies_sha256() == found.sha256


async def listed(storage: Storage, prefix: str) -> list[ListedObject]:
    return [found async for page in storage.list_under(prefix) for found in page]


async def test_a_list_names_everything_under_a_prefix_with_its_size_and_nothing_else(at_work: StorageAtWork) -> None:
    await at_work.storage.check()
    keys = ("acme/job_1/0-1/0/a.txt", "acme/job_1/0-10/a.txt", "acme/job_1/0-1/b.txt", "acme/job_10/0-1/a.txt")
    before_s = time.time()
    for n, key in enumerate(keys):
        await at_work.put(at_work.grant(key), b"x" * n)
    found = await listed(at_work.storage, "acme/job_1")
    assert {(one.key, one.size_bytes) for one in found} == {(key, n) for n, key in enumerate(keys[:3])}
    assert all(before_s - 2 <= one.modified_ms / 1000 <= time.time() + 2 for one in found)
    assert {one.key for one in await listed(at_work.storage, "")} == set(keys)
    assert {one.key for one in await listed(at_work.storage, "acme")} == set(keys)
    assert await listed(at_work.storage, "acm") == await listed(at_work.storage, "nobody") == []
    assert await listed(at_work.storage, keys[0]) == []


async def test_a_long_list_comes_in_pages(at_work: StorageAtWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "PAGE_OBJECTS", 10)
    keys = {f"acme/job_1/{n}-1/a.txt" for n in range(25)}
    await asyncio.gather(*(at_work.put(at_work.grant(key), b"") for key in keys))
    pages = [page async for page in at_work.storage.list_under("acme/job_1")]
    assert max(map(len, pages)) <= 10
    assert sum(map(len, pages)) == len(keys)
    assert {one.key for page in pages for one in page} == keys
    assert await at_work.storage.delete_under("acme") == len(keys)


async def test_everything_under_a_prefix_is_deleted_and_nothing_else(at_work: StorageAtWork) -> None:
    keys = (KEY, "acme/job_1/1-2/3/a.txt", "acme/job_10/0-1/0/text.txt", "acme/job_2/0-1/0/text.txt")
    for key in keys:
        await at_work.put(at_work.grant(key), b"x")
    assert await at_work.storage.delete_under("acme/job_1") == 2
    assert [await at_work.storage.head(key) is not None for key in keys] == [False, False, True, True]
    assert await at_work.storage.delete_under("acme/job_1") == await at_work.storage.delete_under("nobody/job_1") == 0


async def test_a_download_tells_the_same_etag_as_the_object(at_work: StorageAtWork) -> None:
    await at_work.put(at_work.grant(KEY), b"hello")
    found, download = await at_work.storage.head(KEY), await at_work.storage.download(KEY, "a.txt")
    assert found is not None
    assert download is not None
    assert found.etag
    assert download.etag == found.etag
