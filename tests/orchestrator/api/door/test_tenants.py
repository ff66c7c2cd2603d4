"""Suspended tenants, and who a key says it is."""

from orchestrator.api.door.auth import KEY_MEMORY_MS
from orchestrator.api.routes import described_routes
from orchestrator.keys import ADMIN, READ_JOBS, SCOPES, WRITE_JOBS, create_key
from orchestrator.store.tenants import all_tenants, mark_suspended, set_source_hosts
from tests.orchestrator.api.running import Api, completed

SUSPENDED = {
    "type": "about:blank",
    "title": "Forbidden",
    "status": 403,
    "detail": "This tenant is suspended; whoever runs this server can say why.",
    "code": "tenant-suspended",
    "errors": [],
}


async def suspend(api: Api, tenant: str = "acme") -> bool:
    now_ms = api.clock.now_ms()
    return await api.services.store.write(lambda c: mark_suspended(c, tenant, now_ms))


async def resume(api: Api, tenant: str = "acme") -> bool:
    return await api.services.store.write(lambda c: mark_suspended(c, tenant, None))


async def test_a_suspended_tenants_keys_open_nothing_within_seconds(api: Api) -> None:
    keyed = [route for route in described_routes() if route.keyed is not None]
    async with api.as_tenant("acme", SCOPES) as remembered, api.as_tenant("other") as other:
        assert (await remembered.get("/v1/jobs")).status_code == 200
        assert await suspend(api, "acme")
        api.clock.advance(KEY_MEMORY_MS / 1000)
        for route in keyed:
            answer = await remembered.request(route.method, route.path.replace("{", "").replace("}", ""))
            told = answer.json()
            del told["request_id"]
            assert (route.path, answer.status_code, told) == (route.path, 403, SUSPENDED)
        assert (await other.get("/v1/jobs")).status_code == 200
        assert await resume(api, "acme")
        api.clock.advance(KEY_MEMORY_MS / 1000)
        assert (await remembered.get("/v1/jobs")).status_code == 200


async def test_a_fresh_key_of_a_suspended_tenant_opens_nothing_either(api: Api) -> None:
    assert await suspend(api, "acme")
    async with api.as_tenant("acme") as fresh:
        assert (await fresh.get("/v1/jobs")).json()["code"] == "tenant-suspended"


async def test_what_a_suspended_tenant_has_running_goes_on_to_its_end(api: Api) -> None:
    job = await api.post_job(items=2)
    assert await suspend(api, "acme")
    await api.end_items(job["id"], [completed(n, f"i{n}", "text", f"k{n}") for n in range(2)])
    assert await resume(api, "acme")
    api.clock.advance(KEY_MEMORY_MS / 1000)
    assert (await api.client.get(f"/v1/jobs/{job['id']}")).json()["status"] == "COMPLETED"


async def test_a_tenant_is_there_from_its_first_key_on_and_a_second_suspension_changes_nothing(api: Api) -> None:
    store = api.services.store
    assert not await suspend(api, "nobody")
    await create_key(store, api.services.signer, api.clock, "k", "zoo")
    assert await suspend(api, "zoo")
    first_ms = api.clock.now_ms()
    api.clock.advance(60)
    assert await suspend(api, "zoo")
    told = [(row.tenant, row.suspended_ms, row.keys, row.open_items) for row in await store.read(all_tenants)]
    assert told == [("acme", None, 1, 0), ("zoo", first_ms, 1, 0)]


async def test_a_key_without_the_scope_is_told_which_one_it_lacks(api: Api) -> None:
    async with api.as_tenant("acme", [READ_JOBS]) as reader, api.as_tenant("acme", [WRITE_JOBS]) as writer:
        answers = [
            await reader.post("/v1/jobs", json={"operation": "echo", "input": {}}),
            await writer.get("/v1/jobs"),
        ]
    async with api.as_tenant("acme", [ADMIN]) as admin:
        assert (await admin.get("/v1/jobs")).status_code == 200
        assert (await admin.post("/v1/jobs", json={"operation": "echo", "input": {}})).status_code == 202
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "forbidden")] * 2
    assert [answer.json()["detail"] for answer in answers] == [
        "This key lacks the scope jobs:write.",
        "This key lacks the scope jobs:read.",
    ]


async def test_any_key_may_ask_who_it_is(api: Api) -> None:
    await api.post_job(items=3)
    services = api.services
    ends_ms = api.clock.now_ms() + 86_400_000
    for scope in SCOPES:
        key = await create_key(services.store, services.signer, api.clock, "till", "acme", [scope], ends_ms)
        answer = await api.client.get("/v1/key", headers={"x-api-key": key.key})
        assert answer.status_code == 200
        assert answer.json() == {
            "id": key.id,
            "name": "till",
            "tenant": "acme",
            "scopes": [scope],
            "created_at": "2027-01-15T08:00:00Z",
            "expires_at": "2027-01-16T08:00:00Z",
            "limits": {"requests": [], "open_items": 100_000, "upload_bytes": 5 << 30, "source_hosts": None},
            "open_items": 3,
        }
        assert key.key not in answer.text


async def test_a_tenant_is_told_the_hosts_that_its_inputs_may_come_from(api: Api) -> None:
    hosts = ["media.example", "*.cdn.example"]
    await api.services.store.write(lambda c: set_source_hosts(c, "acme", hosts))
    api.clock.advance(KEY_MEMORY_MS / 1000)
    assert (await api.client.get("/v1/key")).json()["limits"]["source_hosts"] == hosts
    job = {"operation": "img2vid", "input": {"image": "https://example.com/a.jpg"}}
    [fault] = (await api.client.post("/v1/jobs", json=job)).json()["errors"]
    assert fault["detail"] == (
        "The address's host is none of those that this tenant's inputs may come from: media.example, *.cdn.example."
    )
