"""What docs/limits.md and docs/api.md say of keys and limits is what the server does."""

import re
from pathlib import Path

import httpx
import pytest

from orchestrator.api.description.route import RATE_LIMITS
from orchestrator.api.door import auth
from orchestrator.keys import create_key, revoke_key
from tests.orchestrator.api.following.reader import following
from tests.orchestrator.api.running import PUBLIC_URL, Api, running_api
from tests.project.tree import ROOT


def said(page: str) -> str:
    """Return a page's words on one line."""
    return re.sub(r"\s+", " ", (ROOT / "docs" / page).read_text())


def left(answer: httpx.Response) -> tuple[int, int]:
    """Return r and t of the only policy."""
    [found] = re.findall(r'"minute";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    return int(found[0]), int(found[1])


async def test_after_t_seconds_there_is_one_more_request_and_not_all_of_them(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database, rate_limit="3/minute") as api:
        for _ in range(3):
            answer = await api.client.get("/v1/key")
            api.clock.advance(10)
        rest, after_s = left(answer)
        assert rest == 0
        api.clock.advance(after_s - 10)
        assert left(await api.client.get("/v1/key")) == (0, 10)
    [policy] = [header for header in RATE_LIMITS if header.name == "RateLimit"]
    assert "one more after t seconds" in policy.description
    assert "in `t` seconds there will be one more" in said("limits.md")


async def test_so_many_keys_are_known_and_pass_where_others_guess(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"remembers {auth.MAX_REMEMBERED} keys" in said("limits.md")
    monkeypatch.setattr(auth, "MAX_REMEMBERED", 2)
    async with running_api(tmp_path, database, failed_key_limit="1/minute") as api:
        services = api.services
        keys = [await create_key(services.store, services.signer, api.clock, f"k{n}", "acme") for n in range(3)]

        async def status(key: str) -> int:
            return (await api.client.get("/v1/key", headers={"x-api-key": key})).status_code

        assert [await status(keys[0].key), await status(keys[1].key)] == [200, 200]
        api.clock.advance(auth.KEY_MEMORY_MS / 1000)
        assert await status(keys[1].key) == 200, "a known one looked at anew is not one more"
        assert [await status("rv_wrong"), await status("rv_wrong")] == [401, 429]
        assert [await status(keys[0].key), await status(keys[2].key)] == [200, 429]
        api.clock.advance(60)
        assert await status(keys[2].key) == 200, "the memory is full and begins anew"
        assert [await status("rv_wrong"), await status(keys[0].key), await status(keys[2].key)] == [401, 429, 200]


async def test_a_stream_and_a_link_to_one_outlive_their_key_until_their_hour_is_over(api: Api) -> None:
    job_id = (await api.post_job())["id"]
    async with httpx.AsyncClient(base_url=api.url) as stranger:
        made = (await api.client.post(f"/v1/jobs/{job_id}/events/token")).json()
        address = made["url"].removeprefix(PUBLIC_URL)
        async with following(api.client, f"/v1/jobs/{job_id}/events") as open_stream:
            await open_stream.next()
            assert await revoke_key(api.services.store, api.clock, api.key.id)
            api.clock.advance(3599)
            assert (await api.client.get("/v1/key")).status_code == 401
            async with following(stranger, address) as linked:
                assert (await linked.next()).kind == "status"
            api.clock.advance(2)
            api.services.changes.announce(job_id)
            assert [event.kind async for event in open_stream if event.kind != "progress"] == []
        assert (await stranger.get(address)).status_code == 410
    for page in ("limits.md", "api.md"):
        assert "outlive" in said(page)


def test_what_a_second_delete_meets_is_told() -> None:
    assert "a second delete is `404`" in said("api.md")
