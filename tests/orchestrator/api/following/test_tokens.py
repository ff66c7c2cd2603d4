"""Following without a key, by a link that is good for one job and one hour."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from orchestrator.store.tenants import mark_suspended
from tests.orchestrator.api.following.reader import following, stored
from tests.orchestrator.api.following.test_events import ended_job, failed
from tests.orchestrator.api.running import PUBLIC_URL, Api


@pytest.fixture
def stranger(api: Api) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=api.url)


async def link_to(api: Api, job_id: str) -> str:
    """Return the address behind the server's own."""
    made = await api.client.post(f"/v1/jobs/{job_id}/events/token")
    assert made.status_code == 200, made.text
    url: str = made.json()["url"]
    assert url.startswith(f"{PUBLIC_URL}/v1/jobs/{job_id}/events?token=")
    return url.removeprefix(PUBLIC_URL)


async def test_a_link_is_followed_without_a_key_from_any_page(api: Api, stranger: httpx.AsyncClient) -> None:
    job_id = await ended_job(api)
    async with following(stranger, await link_to(api, job_id)) as reader:
        assert stored(await reader.rest())[-1] == ("status", "COMPLETED_WITH_ERRORS")
    assert reader.response.headers["access-control-allow-origin"] == "*"


async def test_without_a_key_or_token_nothing_is_shown(api: Api, stranger: httpx.AsyncClient) -> None:
    refused = await stranger.get(f"/v1/jobs/{await ended_job(api)}/events")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert "access-control-allow-origin" not in refused.headers


async def test_a_stream_by_key_is_for_no_other_page(api: Api) -> None:
    async with following(api.client, f"/v1/jobs/{await ended_job(api)}/events") as reader:
        await reader.rest()
    assert "access-control-allow-origin" not in reader.response.headers


async def test_a_link_ends_after_its_hour(api: Api, stranger: httpx.AsyncClient) -> None:
    address = await link_to(api, await ended_job(api))
    api.clock.advance(3599)
    async with following(stranger, address) as reader:
        await reader.rest()
    api.clock.advance(2)
    refused = await stranger.get(address)
    assert (refused.status_code, refused.json()["code"]) == (410, "link-expired")
    assert refused.headers["access-control-allow-origin"] == "*"


async def test_a_stream_ends_with_its_hour(api: Api, stranger: httpx.AsyncClient) -> None:
    job_id = str((await api.post_job())["id"])
    async with following(stranger, await link_to(api, job_id)) as reader:
        await reader.next()
        api.clock.advance(3601)
        api.services.changes.announce(job_id)
        assert [event.kind async for event in reader if event.kind != "progress"] == []


async def test_a_token_fits_one_job_and_can_not_be_altered(api: Api, stranger: httpx.AsyncClient) -> None:
    address = await link_to(api, await ended_job(api))
    token = parse_qs(urlsplit(address).query)["token"][0]
    other = str((await api.post_job())["id"])
    altered = token[:8] + ("A" if token[8] != "A" else "B") + token[9:]
    of_another_purpose = api.services.signer.seal("output", f"acme/{other}/99999999999999")
    for path, tried in (
        (f"/v1/jobs/{other}/events", token),
        (urlsplit(address).path, altered),
        (urlsplit(address).path, ""),
        (f"/v1/jobs/{other}/events", of_another_purpose),
    ):
        refused = await stranger.get(path, params={"token": tried})
        assert (refused.status_code, refused.json()["code"]) == (403, "signature-invalid"), tried


async def test_a_token_opens_nothing_but_the_stream(api: Api, stranger: httpx.AsyncClient) -> None:
    address = await link_to(api, await ended_job(api))
    assert (await stranger.get(address.replace("/events?", "?"))).status_code == 401
    assert (await stranger.post(address.replace("/events?", "/events/token?"))).status_code == 401


async def test_a_link_is_to_be_had_with_a_reader_s_key_only(api: Api) -> None:
    job_id = str((await api.post_job())["id"])
    async with api.as_tenant("acme", scopes=["jobs:write"]) as writer:
        assert (await writer.post(f"/v1/jobs/{job_id}/events/token")).status_code == 403
        assert (await writer.get(f"/v1/jobs/{job_id}/events")).status_code == 403
    await api.end_items(job_id, [failed(0, "i0")])


async def test_a_link_of_a_suspended_tenant_leads_nowhere(api: Api, stranger: httpx.AsyncClient) -> None:
    address = await link_to(api, await ended_job(api))
    await api.services.store.write(lambda c: mark_suspended(c, "acme", api.clock.now_ms()))
    refused = await stranger.get(address)
    assert (refused.status_code, refused.json()["code"]) == (403, "tenant-suspended")
