"""Files that are sent by one PUT: cases B45 to B47 of the table of bad inputs, and what goes well."""

from typing import Any

import pytest

from tests.orchestrator.api.running import Api
from tests.orchestrator.uploads.uploading import (
    JPEG,
    begin,
    complete,
    put,
    read,
    replace_file,
    request_for,
    sha256,
    uploaded,
)


async def test_a_file_is_sent_completed_and_kept(api: Api) -> None:
    begun = await begin(api.client)
    assert (begun["state"], begun["method"], begun["parts"]) == ("waiting", "PUT", None)
    assert (await put(api, begun, JPEG)).status_code == 200
    completed = (await complete(api.client, begun)).json()
    assert (completed["state"], completed["url"], completed["verified"]) == ("completed", None, False)
    assert await read(api, begun) == completed


async def test_completing_again_is_answered_alike(api: Api) -> None:
    completed = await uploaded(api)
    again = await complete(api.client, completed)
    assert (again.status_code, again.json()) == (200, completed)


async def test_nothing_of_the_users_is_in_the_address_or_the_key(api: Api) -> None:
    begun = await begin(api.client, name="../../etc/secret.jpg")
    assert "secret" not in begun["url"]
    await put(api, begun, JPEG)
    await complete(api.client, begun)
    files = [path for path in (api.folder / "outputs").rglob("*") if path.is_file()]
    assert [str(path.relative_to(api.folder / "outputs")) for path in files] == [f"acme/uploads/{begun['id'][4:]}"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size_bytes", 0),
        ("size_bytes", -1),
        ("size_bytes", 1.5),
        ("size_bytes", (5 << 30) + 1),
        ("content_type", "text/html"),
        ("content_type", "image/svg+xml"),
        ("name", ""),
        ("name", "a\nb"),
        ("name", "x" * 256),
        ("sha256", "abc"),
        ("key", "../other/uploads/x"),
        ("tenant", "other"),
    ],
)
async def test_a_bad_request_is_refused_with_a_pointer(api: Api, field: str, value: Any) -> None:
    answer = await api.client.post("/v1/uploads", json={**request_for(JPEG), field: value})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed")
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"


async def test_other_lengths_and_types_and_late_ones_are_refused_by_the_address(api: Api) -> None:
    begun = await begin(api.client)
    for body, headers in ((JPEG + b"x", {}), (JPEG[:-1], {}), (JPEG, {"content-type": "text/html"})):
        assert (await put(api, begun, body, **headers)).status_code == 403
    api.clock.advance(3601)
    assert (await put(api, begun, JPEG)).status_code == 410
    missing = await complete(api.client, begun)
    assert (missing.status_code, missing.json()["code"]) == (409, "upload-incomplete")
    assert (await read(api, begun))["state"] == "waiting"
    api.clock.advance(86_400)
    assert (await read(api, begun))["state"] == "expired"
    over = await complete(api.client, begun)
    assert (over.status_code, over.json()["code"]) == (410, "upload-expired")


async def test_a_fresh_address_goes_on_where_the_first_has_ended(api: Api) -> None:
    begun = await begin(api.client)
    api.clock.advance(3601)
    fresh = await read(api, begun)
    assert (await put(api, fresh, JPEG)).status_code == 200
    assert (await complete(api.client, begun)).status_code == 200


async def test_a_file_that_is_not_what_it_was_said_to_be_is_rejected_for_good(api: Api) -> None:
    begun = await begin(api.client, b"<html><script>")
    await put(api, begun, b"<html><script>")
    for _ in range(2):
        refused = await complete(api.client, begun)
        assert (refused.status_code, refused.json()["code"]) == (422, "media-format")
    told = await read(api, begun)
    assert (told["state"], told["problem"]["code"]) == ("rejected", "media-format")


async def test_a_file_with_another_hash_is_rejected(api: Api) -> None:
    begun = await begin(api.client, sha256=sha256(b"another"))
    await put(api, begun, JPEG)
    refused = await complete(api.client, begun)
    assert (refused.status_code, refused.json()["code"]) == (422, "upload-damaged")


async def test_an_etag_that_was_not_told_is_refused(api: Api) -> None:
    begun = await begin(api.client)
    etag = (await put(api, begun, JPEG)).headers["etag"]
    wrong = await complete(api.client, begun, parts=[{"n": 1, "etag": '"0"'}])
    assert (wrong.status_code, wrong.json()["code"]) == (409, "upload-changed")
    assert (await complete(api.client, begun, parts=[{"n": 1, "etag": etag}])).status_code == 200


async def test_a_file_that_is_another_one_after_its_completion_is_seen(api: Api) -> None:
    begun = await begin(api.client)
    await put(api, begun, JPEG)
    await complete(api.client, begun)
    replace_file(api, begun, JPEG[::-1])
    again = await complete(api.client, begun)
    assert (again.status_code, again.json()["code"]) == (409, "upload-changed")
