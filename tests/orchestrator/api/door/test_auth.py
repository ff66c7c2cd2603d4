"""Keys at the door: one answer for every wrong one, nothing kept that could open it."""

import asyncio
import hashlib
import secrets
import string
import zlib

import httpx
import pytest
import sqlalchemy as sa

from orchestrator.api.door.auth import KEY_MEMORY_MS, USE_NOTED_MS
from orchestrator.keys import create_key, list_keys, make_key, parse_key, revoke_key
from orchestrator.store import tables
from shared.refusals import InvalidRequest
from tests.orchestrator.api.running import Api, eventually


async def refusal(api: Api, headers: dict[bytes, bytes], path: str = "/v1/jobs") -> tuple[int, str, dict[str, str]]:
    async with httpx.AsyncClient(base_url=api.url) as stranger:
        answer = await stranger.get(path, headers=headers)
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told.pop("request_id") == answer.headers["x-request-id"]
    return answer.status_code, answer.headers.get("www-authenticate", ""), told


async def test_every_wrong_key_gets_the_same_answer(api: Api) -> None:
    services = api.services
    unknown, _ = make_key()
    mistyped = api.key.key[:-1] + ("0" if api.key.key[-1] != "0" else "1")
    revoked = await create_key(services.store, services.signer, api.clock, "old", "acme")
    assert await revoke_key(services.store, api.clock, revoked.id)
    expired = await create_key(
        services.store, services.signer, api.clock, "short", "acme", expires_ms=api.clock.now_ms()
    )
    other_secret = other_secret_of(api.key.key)
    wrong: list[dict[str, str]] = [
        {},
        {"x-api-key": ""},
        {"x-api-key": "rv_"},
        {"x-api-key": unknown},
        {"x-api-key": mistyped},
        {"x-api-key": other_secret},
        {"x-api-key": revoked.key},
        {"x-api-key": expired.key},
        {"x-api-key": "clé"},
        {"x-api-key": "x" * 10_000},
        {"x-api-key": f"{api.key.key}é"},
        {"authorization": "Bearer"},
        {"authorization": f"Basic {api.key.key}"},
        {"authorization": f"Bearer {unknown}"},
    ]
    answers = [
        await refusal(api, {name.encode(): value.encode() for name, value in headers.items()}) for headers in wrong
    ]
    answers.append(await refusal(api, {}, f"/v1/jobs?api_key={api.key.key}"))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0] == (
        401,
        'Bearer realm="revela"',
        {
            "type": "about:blank",
            "title": "Unauthorized",
            "status": 401,
            "detail": "A valid API key is needed, in X-API-Key or Authorization: Bearer.",
            "code": "unauthenticated",
            "errors": [],
        },
    )


def other_secret_of(key: str) -> str:
    """Return a key of the same id with another, well-formed secret."""
    for _ in range(100):
        text, _ = make_key()
        _, _, rest = text.split("_")
        candidate = rechecked(f"{key[: len('rv_') + 13]}{rest[:43]}")
        if parse_key(candidate):
            return candidate
    raise AssertionError


def rechecked(text: str) -> str:
    """Return `text` with its CRC-32 in base 62, reckoned here anew."""
    digits, value = string.digits + string.ascii_uppercase + string.ascii_lowercase, zlib.crc32(text.encode())
    checksum = ""
    while len(checksum) < 6:
        value, digit = divmod(value, 62)
        checksum = digits[digit] + checksum
    return text + checksum


async def test_both_headers_carry_a_key(api: Api) -> None:
    async with httpx.AsyncClient(base_url=api.url) as client:
        for headers in ({"x-api-key": api.key.key}, {"authorization": f"bearer {api.key.key}"}):
            assert (await client.get("/v1/jobs", headers=headers)).status_code == 200


async def test_a_revoked_key_closes_within_ten_seconds(api: Api) -> None:
    assert (await api.client.get("/v1/jobs")).status_code == 200
    assert await revoke_key(api.services.store, api.clock, api.key.id)
    assert not await revoke_key(api.services.store, api.clock, api.key.id)
    api.clock.advance(KEY_MEMORY_MS / 1000)
    assert (await api.client.get("/v1/jobs")).status_code == 401


async def test_a_key_expires_to_the_millisecond_even_while_remembered(api: Api) -> None:
    services = api.services
    key = await create_key(
        services.store, services.signer, api.clock, "short", "acme", expires_ms=api.clock.now_ms() + 1000
    )
    headers = {"x-api-key": key.key}
    api.clock.advance(0.999)
    assert (await api.client.get("/v1/jobs", headers=headers)).status_code == 200
    api.clock.advance(0.001)
    assert (await api.client.get("/v1/jobs", headers=headers)).status_code == 401


async def test_the_last_use_is_noted_once_a_minute(api: Api) -> None:
    async def last_used_ms() -> int | None:
        [key] = await list_keys(api.services.store, "acme")
        return key.last_used_ms

    first_ms = api.clock.now_ms()
    await api.client.get("/v1/jobs")
    await eventually(last_used_ms, first_ms)
    api.clock.advance(USE_NOTED_MS / 1000 - 1)
    await api.client.get("/v1/jobs")
    api.clock.advance(1)
    await api.client.get("/v1/jobs")
    await eventually(last_used_ms, first_ms + USE_NOTED_MS)


async def test_the_database_never_holds_a_secret(api: Api) -> None:
    await asyncio.gather(*(api.client.get("/v1/jobs") for _ in range(20)))
    parsed = parse_key(api.key.key)
    assert parsed is not None
    [row] = await api.rows(sa.select(tables.keys.c.secret_hash))
    assert row.secret_hash == hashlib.sha256(parsed.secret.encode()).digest()
    stored = b"".join(path.read_bytes() for path in api.folder.glob("revela.db*"))
    assert row.secret_hash in stored
    assert parsed.secret.encode() not in stored


def test_a_key_has_256_random_bits_and_refuses_every_single_typo() -> None:
    text, parsed = make_key()
    assert parse_key(text) == parsed
    assert 62 ** len(parsed.secret) > 2**256
    alphabet = string.ascii_letters + string.digits
    for place in range(3, len(text)):
        for _ in range(5):
            letter = secrets.choice(alphabet)
            assert letter == text[place] or parse_key(text[:place] + letter + text[place + 1 :]) is None
    assert len({make_key()[0] for _ in range(1000)}) == 1000
    assert "secret" not in repr(parsed)


WRONG_KEYS: list[tuple[dict[str, object], str]] = [
    ({"tenant": "Acme"}, "/tenant"),
    ({"tenant": "../etc"}, "/tenant"),
    ({"tenant": "a" * 64}, "/tenant"),
    ({"name": ""}, "/name"),
    ({"name": "a\nb"}, "/name"),
    ({"scopes": ["root"]}, "/scopes"),
    ({"scopes": []}, "/scopes"),
]


async def test_a_key_that_can_not_be_is_refused(api: Api) -> None:
    services = api.services
    for changed, pointer in WRONG_KEYS:
        wanted: dict[str, object] = {"name": "n", "tenant": "acme", **changed}
        with pytest.raises(InvalidRequest) as refused:
            await create_key(services.store, services.signer, api.clock, **wanted)  # type: ignore[arg-type]
        assert [fault.pointer for fault in refused.value.errors] == [pointer]
    assert await api.count(tables.keys) == 1
