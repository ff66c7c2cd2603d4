"""What every storage keeps to for files that clients send: exact lengths, parts, and what is known of them after."""

import hashlib

import pytest
from httpx import Response

from orchestrator.storage.port import SignedPut, StoredPart
from shared.refusals import UploadChanged
from tests.contracts.conftest import StorageAtWork

KEY = "acme/uploads/01HZZZZZZZZZZZZZZZZZZZZZZZ"
PART_BYTES = 5 << 20
"""The least that S3 takes as a part that is not the last."""
FIRST, LAST = b"a" * PART_BYTES, b"the end"
REFUSED = (400, 403, 410)


@pytest.fixture
def guarded(at_work: StorageAtWork) -> StorageAtWork:
    """Return an adapter whose store checks signatures."""
    if not at_work.guarded:
        pytest.skip("moto's server takes any signature, so any length and type")
    return at_work


def grant(at_work: StorageAtWork, size_bytes: int, lasts_s: float = 60) -> SignedPut:
    expires_ms = at_work.clock.now_ms() + round(lasts_s * 1000)
    return at_work.storage.grant_put(KEY, "image/png", size_bytes, expires_ms)


async def put(at_work: StorageAtWork, signed: SignedPut, body: bytes, **headers: str) -> Response:
    sent = {name.lower(): value for name, value in signed.headers.items()} | headers
    return await at_work.client.put(at_work.reachable(signed.url), content=body, headers=sent)


async def put_part(at_work: StorageAtWork, multipart_id: str, n: int, body: bytes) -> str:
    expires_ms = at_work.clock.now_ms() + 60_000
    answer = await put(at_work, at_work.storage.grant_part(KEY, multipart_id, n, len(body), expires_ms), body)
    if answer.status_code == 501:
        pytest.skip("rclone's server sends parts on as they come, and can't take one again with another content")
    assert answer.status_code == 200, answer.text
    return str(answer.headers["etag"].strip('"'))


async def begun(at_work: StorageAtWork) -> str:
    return await at_work.storage.begin_parts(KEY, "video/mp4", PART_BYTES)


async def test_exactly_what_was_granted_may_be_put(guarded: StorageAtWork) -> None:
    for body, headers in ((b"hell", {}), (b"hello!", {}), (b"hello", {"content-type": "text/html"})):
        assert (await put(guarded, grant(guarded, 5), body, **headers)).status_code == 403
    assert await guarded.storage.head(KEY) is None
    assert (await put(guarded, grant(guarded, 5), b"hello")).status_code == 200


async def test_an_etag_is_of_one_version(at_work: StorageAtWork) -> None:
    etags = []
    for body in (b"hello", b"HELLO"):
        answer = await put(at_work, grant(at_work, 5), body)
        stored = await at_work.storage.head(KEY)
        assert stored is not None
        assert (stored.size_bytes, stored.etag) == (5, answer.headers["etag"].strip('"'))
        etags.append(stored.etag)
    assert etags[0] != etags[1]


async def test_parts_become_one_object(at_work: StorageAtWork) -> None:
    multipart_id = await begun(at_work)
    assert await at_work.storage.stored_parts(KEY, multipart_id) == []
    etags = {2: await put_part(at_work, multipart_id, 2, LAST), 1: await put_part(at_work, multipart_id, 1, FIRST)}
    parts = await at_work.storage.stored_parts(KEY, multipart_id)
    assert parts == [StoredPart(1, etags[1], len(FIRST)), StoredPart(2, etags[2], len(LAST))]
    assert await at_work.storage.head(KEY) is None
    await at_work.storage.complete_parts(KEY, multipart_id, parts)
    assert await at_work.storage.read(KEY, 6 << 20) == FIRST + LAST
    stored = await at_work.storage.head(KEY)
    assert stored is not None
    assert stored.etag
    await at_work.storage.complete_parts(KEY, multipart_id, parts)
    assert await at_work.storage.stored_parts(KEY, multipart_id) in (None, parts)


async def test_a_part_that_is_put_again_takes_the_place_of_the_first(at_work: StorageAtWork) -> None:
    multipart_id = await begun(at_work)
    await put_part(at_work, multipart_id, 1, LAST[::-1])
    await put_part(at_work, multipart_id, 1, LAST)
    parts = await at_work.storage.stored_parts(KEY, multipart_id)
    assert parts is not None
    await at_work.storage.complete_parts(KEY, multipart_id, parts)
    assert await at_work.storage.read(KEY, 100) == LAST


async def test_parts_that_are_others_by_now_do_not_become_an_object(at_work: StorageAtWork) -> None:
    multipart_id = await begun(at_work)
    etag = await put_part(at_work, multipart_id, 1, LAST)
    other = StoredPart(1, "0" * len(etag), len(LAST))
    with pytest.raises(UploadChanged):
        await at_work.storage.complete_parts(KEY, multipart_id, [other])
    assert await at_work.storage.head(KEY) is None


async def test_what_is_aborted_is_gone_and_takes_no_more(guarded: StorageAtWork) -> None:
    multipart_id = await begun(guarded)
    await put_part(guarded, multipart_id, 1, LAST)
    for _ in range(2):
        await guarded.storage.abort_parts(KEY, multipart_id)
    assert await guarded.storage.stored_parts(KEY, multipart_id) is None
    late = guarded.storage.grant_part(KEY, multipart_id, 1, 5, guarded.clock.now_ms() + 60_000)
    assert (await put(guarded, late, b"hello")).status_code == 404


async def test_a_part_has_its_length_and_its_time(guarded: StorageAtWork) -> None:
    multipart_id = await begun(guarded)
    signed = guarded.storage.grant_part(KEY, multipart_id, 1, 5, guarded.clock.now_ms() + 2_000)
    for body in (b"hell", b"hello!"):
        assert (await put(guarded, signed, body)).status_code == 403
    await guarded.pass_time(3.1)
    assert (await put(guarded, signed, b"hello")).status_code in REFUSED
    assert await guarded.storage.stored_parts(KEY, multipart_id) == []


async def test_the_head_of_an_object_is_read_without_the_rest(at_work: StorageAtWork) -> None:
    assert await at_work.storage.read_head(KEY, 4) is None
    await put(at_work, grant(at_work, 5), b"hello")
    assert [await at_work.storage.read_head(KEY, most) for most in (4, 100)] == [b"hell", b"hello"]


async def test_one_object_is_deleted_and_no_other(at_work: StorageAtWork) -> None:
    other = f"{KEY}0"
    await put(at_work, grant(at_work, 5), b"hello")
    await at_work.put(at_work.grant(other), b"x")
    for _ in range(2):
        await at_work.storage.delete(KEY)
    assert await at_work.storage.head(KEY) is None
    assert await at_work.storage.head(other) is not None


async def test_a_hash_is_told_only_where_the_store_has_found_it_out(at_work: StorageAtWork) -> None:
    """rclone's and moto's servers repeat any checksum that they are told: such stores are not believed."""
    await put(at_work, grant(at_work, 5), b"hello")
    wanted = hashlib.sha256(b"hello").hexdigest() if await at_work.storage.verifies_sha256() else None
    assert await at_work.storage.digest(KEY) == wanted
    assert await at_work.storage.verifies_sha256() == (at_work.public_url != "-")
