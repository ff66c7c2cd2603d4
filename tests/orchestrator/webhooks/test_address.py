"""Where an event may go is looked at on every try, whatever was true at the try before."""

import socket
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from orchestrator.webhooks.deliver import Deliverer
from shared.fetch_guard import guarded_session
from shared.network.resolver import ThreadsResolver
from tests.orchestrator.webhooks.posting import Posting, posting

BLOCKED = "the address is not a public one"


class Answers(AbstractResolver):
    """Resolves every name to what it is told."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in self.addresses
        ]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["10.0.0.5"], ["169.254.169.254"], ["93.184.215.14", "127.0.0.1"]], ids=",".join
)
async def test_a_name_that_leads_inside_is_refused_at_every_try_and_seen_in_the_log(
    post: Posting, addresses: list[str]
) -> None:
    names = Answers(*addresses)
    async with guarded_session((), names) as client:
        post.deliverer = Deliverer(post.api.services, client)
        job = await post.api.post_job(webhook="https://hooks.example.com/x")
        await post.api.client.post(f"/v1/jobs/{job['id']}/cancel")
        await post.deliver()
        await post.deliver(after_s=6)
        delivery = await post.only_delivery(job["id"])
        assert [(made["http_status"], made["error"]) for made in delivery["tries"]] == [(None, BLOCKED)] * 2
        assert delivery["state"] == "WAITING"
        assert names.asked == client.guard.refused == 2
        await post.deliverer.close()


async def test_a_name_that_moves_inside_between_two_tries_is_refused_at_the_second(post: Posting) -> None:
    names = Answers("127.0.0.1")  # listed with the receiver's port, so that the first try reaches it, without TLS
    async with guarded_session(post.api.services.settings.private_sources, names) as client:
        post.deliverer = Deliverer(post.api.services, client)
        port = post.receiver.host_and_port.partition(":")[2]
        job = await post.api.post_job(webhook=f"https://hooks.example.com:{port}/hook")
        await post.api.client.post(f"/v1/jobs/{job['id']}/cancel")
        await post.deliver()
        names.addresses = ["127.0.0.2"]
        await post.deliver(after_s=6)
        tries = (await post.only_delivery(job["id"]))["tries"]
        assert [made["error"] for made in tries] == ["no valid TLS connection", BLOCKED]
        assert names.asked == 2


async def test_what_the_operator_has_closed_again_is_refused_at_the_next_try(tmp_path: Path, database: Path) -> None:
    async with posting(tmp_path, database) as post:
        post.receiver.say(500)
        job_id = await post.ended_job()
        await post.deliver()
        closed = post.api.services.settings.model_copy(update={"allow_private_sources": ""})
        object.__setattr__(post.api.services, "settings", closed)
        async with guarded_session() as client:
            post.deliverer = Deliverer(post.api.services, client)
            await post.deliver(after_s=6)
        tries = (await post.only_delivery(job_id))["tries"]
        assert [(made["http_status"], made["error"]) for made in tries] == [(500, None), (None, BLOCKED)]
        assert len(post.receiver.got) == 1


async def test_plain_http_is_sent_only_as_long_as_the_host_is_listed(tmp_path: Path, database: Path) -> None:
    async with posting(tmp_path, database, allow_private_sources="hooks.example.com:80") as post:
        job = await post.api.post_job(webhook="http://hooks.example.com/x")
        await post.api.client.post(f"/v1/jobs/{job['id']}/cancel")
        closed = post.api.services.settings.model_copy(update={"allow_private_sources": ""})
        object.__setattr__(post.api.services, "settings", closed)
        names = Answers("93.184.215.14")
        async with guarded_session((), names) as client:
            post.deliverer = Deliverer(post.api.services, client)
            await post.deliver()
        [made] = (await post.only_delivery(job["id"]))["tries"]
        assert made["error"] == "A webhook's address must begin with https://."
        assert names.asked == 0


async def test_a_receiver_that_is_not_there_or_has_no_name_is_a_failed_try(post: Posting) -> None:
    services = post.api.services
    opened = "127.0.0.1:1,nowhere.invalid:80"
    object.__setattr__(services, "settings", services.settings.model_copy(update={"allow_private_sources": opened}))
    async with guarded_session(services.settings.private_sources, ThreadsResolver(2)) as client:
        post.deliverer = Deliverer(services, client)
        errors = []
        for address in ("http://127.0.0.1:1/", "http://nowhere.invalid/"):
            job = await post.api.post_job(webhook=address)
            await post.api.client.post(f"/v1/jobs/{job['id']}/cancel")
            await post.deliver()
            errors += [made["error"] for made in (await post.only_delivery(job["id"]))["tries"]]
    assert errors == ["the connection was refused", "the name can't be resolved"]


async def test_names_are_resolved_in_threads_of_their_own() -> None:
    resolver = ThreadsResolver(2)
    found = await resolver.resolve("localhost", 8080, socket.AF_INET)
    assert {(entry["host"], entry["port"], entry["hostname"]) for entry in found} == {("127.0.0.1", 8080, "localhost")}
    with pytest.raises(OSError, match=r"."):
        await resolver.resolve("nowhere.invalid", 80)
    await resolver.close()
