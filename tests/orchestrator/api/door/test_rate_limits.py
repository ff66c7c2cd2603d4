"""How often a key may ask, and what a client is told of it."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest

from orchestrator.api.door.auth import KEY_MEMORY_MS
from orchestrator.api.door.limits import MAX_CLIENTS, RateLimits
from orchestrator.keys import ADMIN, make_key
from orchestrator.quotas import Quota, parse_quotas
from shared.clock import ManualClock
from shared.errors import SettingsError
from tests.orchestrator.api.running import running_api

POLICY = '"second";q=3;w=1, "minute";q=5;w=60'


async def test_every_keyed_answer_tells_the_limits_and_what_is_left(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, rate_limit="3/second;5/minute") as api:
        answers = [await api.client.get(path) for path in ("/v1/jobs", "/v1/jobs/x", "/v1/jobs?limit=0")]
        async with httpx.AsyncClient(base_url=api.url) as stranger:
            outside = [await stranger.get("/v1/jobs"), await stranger.get("/livez")]
    assert [answer.status_code for answer in answers] == [200, 404, 422]
    assert [answer.headers["ratelimit-policy"] for answer in answers] == [POLICY] * 3
    assert [answer.headers["ratelimit"] for answer in answers] == [
        '"second";r=2;t=1, "minute";r=4;t=60',
        '"second";r=1;t=1, "minute";r=3;t=60',
        '"second";r=0;t=1, "minute";r=2;t=60',
    ]
    assert [name for answer in outside for name in answer.headers if name.startswith("ratelimit")] == []


async def test_who_asks_too_often_is_told_when_to_go_on_and_then_may(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, rate_limit="3/second;5/minute") as api:
        for _ in range(3):
            await api.client.get("/v1/jobs")
        api.clock.advance(0.3)
        refused = await api.client.post("/v1/jobs", content=b"{", headers={"content-type": "application/json"})
        told = refused.json()
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["ratelimit"] == '"second";r=0;t=1, "minute";r=2;t=60'
        assert told["code"] == "too-many-requests"
        assert told["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
        assert told["violated-policies"] == ["second"]
        api.clock.advance(0.7)
        assert [(await api.client.get("/v1/jobs")).status_code for _ in range(3)] == [200, 200, 429]
        refused = await api.client.get("/v1/jobs")
        assert (refused.headers["retry-after"], refused.json()["violated-policies"]) == ("59", ["minute"])
        api.clock.advance(58.9)
        assert (await api.client.get("/v1/jobs")).status_code == 429
        api.clock.advance(0.1)
        assert (await api.client.get("/v1/jobs")).status_code == 200


async def test_a_burst_gets_the_limit_and_not_one_more(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, rate_limit="20/minute") as api:
        statuses = Counter(
            answer.status_code for answer in await asyncio.gather(*(api.client.get("/v1/jobs") for _ in range(40)))
        )
    assert statuses == {200: 20, 429: 20}


async def test_each_key_has_limits_of_its_own(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, rate_limit="1/minute") as api, api.as_tenant("acme") as second:
        statuses = [(await client.get("/v1/jobs")).status_code for client in (api.client, api.client, second)]
    assert statuses == [200, 429, 200]


async def test_a_rate_limit_of_none_leaves_no_header(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, rate_limit="none") as api:
        answers = [await api.client.get("/v1/jobs") for _ in range(120)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit" not in answers[-1].headers
    assert "ratelimit-policy" not in answers[-1].headers


async def test_guessing_keys_is_bounded_and_locks_nobody_out_who_is_known(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, failed_key_limit="5/minute") as api:
        assert (await api.client.get("/v1/jobs")).status_code == 200
        wrong = [{}, {"x-api-key": "rv_"}, *({"x-api-key": make_key()[0]} for _ in range(5))]
        async with httpx.AsyncClient(base_url=api.url) as stranger:
            answers = [await stranger.get("/v1/jobs", headers=headers) for headers in wrong]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
        assert answers[-1].headers["retry-after"] == "60"
        assert answers[-1].json()["code"] == "too-many-requests"
        assert (await api.client.get("/v1/jobs")).status_code == 200
        api.clock.advance(KEY_MEMORY_MS / 1000 + 1)
        assert (await api.client.get("/v1/jobs")).status_code == 200
        async with api.as_tenant("acme") as newcomer:
            assert (await newcomer.get("/v1/jobs")).status_code == 429
            api.clock.advance(60)
            assert (await newcomer.get("/v1/jobs")).status_code == 200


async def test_addresses_are_counted_apart(tmp_path: Path, database: Path) -> None:
    """Behind a proxy on the same machine, the proxy's word on the client's address is taken."""
    addresses = ("192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8:1::1")
    async with (
        running_api(tmp_path, database, failed_key_limit="1/minute") as api,
        httpx.AsyncClient(base_url=api.url) as stranger,
    ):
        answers = [await stranger.get("/v1/jobs", headers={"x-forwarded-for": address}) for address in addresses]
        told = [answer.status_code for answer in answers]
    assert told == [401, 401, 429, 401, 429, 401]


async def test_an_admins_key_is_limited_too(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, rate_limit="1/minute") as api, api.as_tenant("a", [ADMIN]) as admin:
        assert [(await admin.get("/v1/jobs")).status_code for _ in range(2)] == [200, 429]


def test_any_window_holds_no_more_than_its_quota() -> None:
    """Reckoned by counting anew, over uneven steps of time."""
    clock, accepted = ManualClock(), []
    limits = RateLimits((Quota("second", 4, 1), Quota("minute", 30, 60)), clock)
    for step in range(2000):
        clock.advance((step * 7919 % 997) / 2000)
        if limits.take("k").refusal is None:
            accepted.append(clock.now_ms())
    for end_ms in accepted:
        assert sum(end_ms - 1000 < at_ms <= end_ms for at_ms in accepted) <= 4
        assert sum(end_ms - 60_000 < at_ms <= end_ms for at_ms in accepted) <= 30
    assert len(accepted) > 30 * (clock.now_ms() - accepted[0]) / 60_000 * 0.9


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    clock = ManualClock()
    limits = RateLimits((Quota("minute", 2, 60),), clock)
    assert [limits.take("k").refusal is None for _ in range(3)] == [True, True, False]
    clock.advance(-3600)
    assert limits.take("k").refusal is None


def test_clients_that_are_gone_are_forgotten_and_their_number_is_bounded() -> None:
    clock = ManualClock()
    limits = RateLimits((Quota("minute", 2, 60),), clock)
    for n in range(MAX_CLIENTS + 100):
        limits.take(str(n))
    assert limits.clients == MAX_CLIENTS
    clock.advance(60)
    limits.take("another")
    assert limits.clients == 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ()),
        (" None ", ()),
        ("10/second", (Quota("second", 10, 1),)),
        ("100 per hour; 5/10second", (Quota("10-second", 5, 10), Quota("hour", 100, 3600))),
    ],
)
def test_limits_are_read_as_they_are_written(text: str, wanted: tuple[Quota, ...]) -> None:
    assert parse_quotas(text) == wanted


@pytest.mark.parametrize("text", ["fast", "10", "10/fortnight", "0/second", "1/2day", "1/second;2/second", "-1/second"])
def test_limits_that_can_not_be_kept_are_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_quotas(text)
