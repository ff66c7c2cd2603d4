"""Completing an upload while something else happens to it: its time ends, it is replaced, another completes it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from orchestrator.retention import uploads as ended
from orchestrator.store import tables
from tests.orchestrator.api.running import Api
from tests.orchestrator.uploads.uploading import (
    JPEG,
    Json,
    begin,
    complete,
    put,
    read,
    replace_file,
    sha256,
    uploaded,
)

Meddle = Callable[[], Awaitable[None]]


async def sent(api: Api, body: bytes = JPEG, **fields: Any) -> Json:
    begun = await begin(api.client, body, **fields)
    assert (await put(api, begun, body)).status_code == 200
    return begun


def after_read_head(api: Api, monkeypatch: pytest.MonkeyPatch, meddle: Meddle) -> None:
    """Have something happen when the file was looked into, once."""
    storage, read_head = api.services.storage, api.services.storage.read_head
    done: list[str] = []

    async def meddling(key: str, max_bytes: int) -> bytes | None:
        head = await read_head(key, max_bytes)
        if not done:
            done.append(key)
            await meddle()
        return head

    monkeypatch.setattr(storage, "read_head", meddling)


async def test_a_completion_that_meets_the_expiry_is_told_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = await sent(api)
    head, looks = api.services.storage.head, []

    async def last_look(key: str) -> Any:
        found = await head(key)
        looks.append(key)
        if len(looks) == 2:
            api.clock.advance(86_400)
            await ended.tick(api.services, api.clock.now_ms())
        return found

    monkeypatch.setattr(api.services.storage, "head", last_look)
    answer = await complete(api.client, begun)
    assert (answer.status_code, answer.json()["code"]) == (410, "upload-expired")
    assert (await read(api, begun))["state"] == "expired"


async def test_a_file_that_is_replaced_while_it_is_completed_is_not_taken(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await sent(api)

    async def replace() -> None:
        replace_file(api, begun, JPEG[::-1])

    after_read_head(api, monkeypatch, replace)
    answer = await complete(api.client, begun)
    assert (answer.status_code, answer.json()["code"]) == (409, "upload-changed")
    assert (await read(api, begun))["state"] == "waiting"


async def test_two_completions_at_once_are_answered_alike(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = await sent(api)
    inner: list[Json] = []

    async def complete_too() -> None:
        inner.append((await complete(api.client, begun)).json())

    after_read_head(api, monkeypatch, complete_too)
    answer = await complete(api.client, begun)
    assert (answer.status_code, answer.json()) == (200, inner[0])


async def test_a_file_that_goes_while_it_is_found_again_is_sent_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await uploaded(api, sha256=sha256(JPEG))
    head = api.services.storage.head

    async def deleting(key: str) -> Any:
        found = await head(key)
        assert (await api.client.delete(f"/v1/uploads/{first['id']}")).status_code == 204
        return found

    monkeypatch.setattr(api.services.storage, "head", deleting)
    assert (await begin(api.client, sha256=sha256(JPEG)))["state"] == "waiting"


async def test_a_file_whose_hash_was_never_verified_is_sent_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(key: str) -> None:
        return None

    monkeypatch.setattr(api.services.storage, "digest", unknown)
    completed = await uploaded(api, sha256=sha256(JPEG))
    assert (completed["state"], completed["verified"]) == ("completed", False)
    assert (await begin(api.client, sha256=sha256(JPEG)))["state"] == "waiting"


async def test_a_rejected_file_s_removal_is_recorded(api: Api) -> None:
    begun = await sent(api, b"%PDF-1.7 nothing of ours")
    await complete(api.client, begun)
    await complete(api.client, begun)
    assert await audit(api) == [("retention", "upload.deleted", begun["id"], {"state": "rejected", "size_bytes": 24})]


async def test_parts_that_the_storage_has_dropped_are_recorded_as_lost(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = b"\0\0\0\x18ftypmp42" + bytes(40 << 20)
    begun = await begin(api.client, body, content_type="video/mp4")

    async def none_left(key: str, multipart_id: str) -> None:
        return None

    monkeypatch.setattr(api.services.storage, "stored_parts", none_left)
    answer = await complete(api.client, begun)
    assert (answer.status_code, answer.json()["code"]) == (410, "upload-expired")
    assert await audit(api) == [("retention", "upload.lost", begun["id"], {})]


async def audit(api: Api) -> list[Any]:
    log = tables.audit.c
    query = sa.select(log.actor, log.action, log.subject, log.detail).where(log.action.like("upload.%"))
    return [tuple(row) for row in await api.rows(query)]
