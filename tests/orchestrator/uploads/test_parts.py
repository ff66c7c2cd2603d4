"""Files that are sent in parts, and taken up where they broke off."""

import asyncio
from typing import Any

import pytest

from orchestrator.storage.disk import DiskStorage
from tests.orchestrator.api.running import PUBLIC_URL, Api, eventually, path_of, running_api
from tests.orchestrator.uploads.uploading import MIB, begin, complete, put, read, sha256

PART_BYTES = 5 * MIB
BIG = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * (11 * MIB // 256)
"""Three parts, the last of one MiB and some bytes."""

Json = dict[str, Any]


@pytest.fixture
async def api(tmp_path: Any, database: Any) -> Any:
    """Serve the API with small parts."""
    async with running_api(tmp_path, database, upload_part_bytes=PART_BYTES) as running:
        yield running


async def begin_big(api: Api, **fields: Any) -> Json:
    return await begin(api.client, BIG, content_type="video/mp4", **fields)


def part_of(n: int) -> bytes:
    return BIG[(n - 1) * PART_BYTES : n * PART_BYTES]


async def put_parts(api: Api, upload: Json, *wanted: int) -> dict[int, str]:
    answers = {part["n"]: await put(api, part, part_of(part["n"])) for part in upload["parts"] if part["n"] in wanted}
    assert {answer.status_code for answer in answers.values()} <= {200}
    return {n: answer.headers["etag"] for n, answer in answers.items()}


async def test_parts_in_any_order_become_the_file(api: Api) -> None:
    begun = await begin_big(api, sha256=sha256(BIG))
    assert (begun["url"], begun["part_bytes"], begun["parts_total"]) == (None, PART_BYTES, 3)
    assert [part["size_bytes"] for part in begun["parts"]] == [PART_BYTES, PART_BYTES, len(BIG) - 2 * PART_BYTES]
    etags = {**await put_parts(api, begun, 3), **await put_parts(api, begun, 1, 2)}
    answer = await complete(api.client, begun, parts=[{"n": n, "etag": etag} for n, etag in etags.items()])
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["verified"]) == ("completed", True)
    stored = api.folder / "outputs/acme/uploads" / begun["id"][4:]
    assert stored.read_bytes() == BIG
    assert list((api.folder / "outputs/~parts").iterdir()) == []


async def test_what_is_missing_is_named_and_sent_later_by_fresh_addresses(api: Api) -> None:
    begun = await begin_big(api)
    await put_parts(api, begun, 2)
    refused = await complete(api.client, begun)
    assert (refused.status_code, refused.json()["code"]) == (409, "upload-incomplete")
    assert "2 of 3 parts are missing: 1, 3." in refused.json()["detail"]
    api.clock.advance(3601)
    assert (await put(api, begun["parts"][0], part_of(1))).status_code == 410
    told = await read(api, begun)
    assert ([part["n"] for part in told["received"]], told["parts"]) == ([2], [])
    fresh = await read(api, begun, parts="1,3")
    assert [part["n"] for part in fresh["parts"]] == [1, 3]
    await put_parts(api, fresh, 1, 3)
    assert (await complete(api.client, begun)).status_code == 200


async def test_a_part_that_is_sent_again_takes_the_place_of_the_first(api: Api) -> None:
    begun = await begin_big(api, sha256=sha256(BIG))
    assert (await put(api, begun["parts"][1], b"x" * PART_BYTES)).status_code == 200
    await put_parts(api, begun, 1, 2, 3)
    assert (await complete(api.client, begun)).json()["verified"]


async def test_a_part_that_breaks_off_does_not_count(api: Api) -> None:
    begun = await begin_big(api)
    await put_parts(api, begun, 1, 2, 3)
    address = begun["parts"][1]
    _, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    head = f"PUT {path_of(address['url'])} HTTP/1.1\r\nHost: x\r\nContent-Length: {PART_BYTES}\r\n\r\n"
    writer.write(head.encode() + b"y" * MIB)
    await writer.drain()
    writer.close()
    await eventually(lambda: received(api, begun), [1, 3])
    assert (await complete(api.client, begun)).json()["code"] == "upload-incomplete"


async def received(api: Api, upload: Json) -> list[int]:
    return [part["n"] for part in (await read(api, upload))["received"]]


async def test_parts_of_another_length_are_refused(api: Api) -> None:
    begun = await begin_big(api)
    for body in (part_of(1)[:-1], part_of(1) + b"x"):
        assert (await put(api, begun["parts"][0], body)).status_code == 403
    assert (await read(api, begun))["received"] == []


async def test_another_etag_than_the_one_that_was_told_is_refused(api: Api) -> None:
    begun = await begin_big(api)
    await put_parts(api, begun, 1, 2, 3)
    refused = await complete(api.client, begun, parts=[{"n": 2, "etag": "00"}])
    assert (refused.status_code, refused.json()["code"]) == (409, "upload-changed")


async def test_parts_survive_a_restart_of_the_storage(api: Api) -> None:
    begun = await begin_big(api, sha256=sha256(BIG))
    await put_parts(api, begun, 1, 2)
    await api.services.storage.close()
    storage = DiskStorage(api.folder / "outputs", PUBLIC_URL, api.services.signer, api.clock)
    object.__setattr__(api.services, "storage", storage)
    assert [part["n"] for part in (await read(api, begun))["received"]] == [1, 2]
    await put_parts(api, begun, 3)
    assert (await complete(api.client, begun)).json()["verified"]


async def test_a_completion_whose_answer_was_lost_is_taken_up(api: Api) -> None:
    begun = await begin_big(api)
    await put_parts(api, begun, 1, 2, 3)
    key = f"acme/uploads/{begun['id'][4:]}"
    multipart_id = next((api.folder / "outputs/~parts").iterdir()).name
    parts = await api.services.storage.stored_parts(key, multipart_id)
    assert parts is not None
    await api.services.storage.complete_parts(key, multipart_id, parts)
    assert (await complete(api.client, begun)).json()["state"] == "completed"


async def test_an_upload_whose_parts_the_storage_has_dropped_has_ended(api: Api) -> None:
    begun = await begin_big(api)
    [folder] = (api.folder / "outputs/~parts").iterdir()
    await api.services.storage.abort_parts("acme/x", folder.name)
    over = await complete(api.client, begun)
    assert (over.status_code, over.json()["code"]) == (410, "upload-expired")
    assert (await read(api, begun))["state"] == "expired"


@pytest.mark.parametrize("parts", ["0", "4", "1,,2", "a", ",".join(map(str, range(1, 34))), "1;2"])
async def test_parts_that_are_none_are_refused(api: Api, parts: str) -> None:
    begun = await begin_big(api)
    answer = await api.client.get(f"/v1/uploads/{begun['id']}", params={"parts": parts})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?parts")
