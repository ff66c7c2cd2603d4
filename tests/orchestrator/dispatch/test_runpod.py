"""The RunPod client against an endpoint that fails in every way."""

from collections.abc import AsyncIterator

import pytest

from orchestrator.dispatch.port import EndpointStatus, Policy
from orchestrator.dispatch.runpod import RunPodEndpoint
from shared.errors import EndpointForgot, EndpointRefused, EndpointReplyLost, EndpointUnavailable
from tests.fake_runpod import API_KEY, FakeRunPod

POLICY = Policy(execution_timeout_ms=900_000, ttl_ms=3_600_000)


@pytest.fixture
def fake() -> FakeRunPod:
    return FakeRunPod()


@pytest.fixture
async def client(fake: FakeRunPod) -> AsyncIterator[RunPodEndpoint]:
    async with fake.serving() as url:
        endpoint = RunPodEndpoint(f"{url}/", API_KEY, first_wait_s=0.01)
        yield endpoint
        await endpoint.close()


async def test_every_run_carries_its_policy_and_webhook(fake: FakeRunPod, client: RunPodEndpoint) -> None:
    provider_id = await client.run({"a": 1}, "https://example.com/hook", POLICY)
    assert fake.tasks[provider_id].body == {
        "input": {"a": 1},
        "webhook": "https://example.com/hook",
        "policy": {"executionTimeout": 900_000, "ttl": 3_600_000},
    }


@pytest.mark.parametrize("fault", [429, 503, 401, 403, 404])
async def test_a_sure_refusal_is_tried_again(fake: FakeRunPod, client: RunPodEndpoint, fault: int) -> None:
    fake.faults["run"] = [fault, fault]
    await client.run({"a": 1}, "", POLICY)
    assert (fake.calls["run"], len(fake.tasks)) == (3, 1)


async def test_a_lasting_refusal_is_unavailable(fake: FakeRunPod, client: RunPodEndpoint) -> None:
    fake.faults["run"] = [503] * 10
    with pytest.raises(EndpointUnavailable):
        await client.run({"a": 1}, "", POLICY)
    assert fake.calls["run"] == 4


@pytest.mark.parametrize("fault", ["lose", "drop", 500, 502, 504, 520, "html"])
async def test_a_lost_reply_is_never_answered_by_a_second_submit(
    fake: FakeRunPod, client: RunPodEndpoint, fault: str | int
) -> None:
    fake.faults["run"] = [fault]
    with pytest.raises(EndpointReplyLost):
        await client.run({"a": 1}, "", POLICY)
    assert fake.calls["run"] == 1


@pytest.mark.parametrize("fault", [400, 413])
async def test_a_request_at_fault_is_refused_for_good(fake: FakeRunPod, client: RunPodEndpoint, fault: int) -> None:
    fake.faults["run"] = [fault]
    with pytest.raises(EndpointRefused):
        await client.run({"a": 1}, "", POLICY)


async def test_an_endpoint_that_is_down_certainly_took_nothing() -> None:
    client = RunPodEndpoint("http://127.0.0.1:9/v2/fake", API_KEY, first_wait_s=0.01)
    with pytest.raises(EndpointUnavailable):
        await client.run({"a": 1}, "", POLICY)
    await client.close()


async def test_reads_outlast_faults(fake: FakeRunPod, client: RunPodEndpoint) -> None:
    provider_id = await client.run({"a": 1}, "", POLICY)
    fake.faults["status"] = [429, "drop", "html"]
    task = await client.status(provider_id)
    assert (task.status, task.delay_ms, task.execution_ms, task.worker) == (
        EndpointStatus.IN_QUEUE,
        3,
        7,
        "fake-worker",
    )


@pytest.mark.parametrize("word", ["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"])
async def test_every_state_is_known(fake: FakeRunPod, client: RunPodEndpoint, word: str) -> None:
    provider_id = await client.run({"a": 1}, "", POLICY)
    fake.tasks[provider_id].status = word
    assert (await client.status(provider_id)).status == word


async def test_running_is_in_progress(fake: FakeRunPod, client: RunPodEndpoint) -> None:
    provider_id = await client.run({"a": 1}, "", POLICY)
    fake.tasks[provider_id].status = "RUNNING"
    assert (await client.status(provider_id)).status is EndpointStatus.IN_PROGRESS


async def test_a_state_that_nobody_knows_is_never_an_end(fake: FakeRunPod, client: RunPodEndpoint) -> None:
    provider_id = await client.run({"a": 1}, "", POLICY)
    fake.tasks[provider_id].status = "SUCCEEDED"
    with pytest.raises(EndpointUnavailable):
        await client.status(provider_id)


async def test_a_forgotten_task_is_told_apart(client: RunPodEndpoint) -> None:
    with pytest.raises(EndpointForgot):
        await client.status("gone-u1")
    await client.cancel("gone-u1")


async def test_health_is_passed_on(client: RunPodEndpoint) -> None:
    assert (await client.health()).workers["idle"] == 1


@pytest.mark.parametrize("provider_id", ["../health", "..%2fhealth", "a/../../health", "a?b=c", "%2e%2e/health"])
async def test_an_id_never_leads_to_another_address(fake: FakeRunPod, client: RunPodEndpoint, provider_id: str) -> None:
    with pytest.raises(EndpointForgot):
        await client.status(provider_id)
    assert fake.calls["health"] == 0


async def test_an_answer_nested_too_deeply_is_unavailable(fake: FakeRunPod, client: RunPodEndpoint) -> None:
    provider_id = await client.run({"a": 1}, "", POLICY)
    fake.faults["status"] = ["deep"] * 4
    with pytest.raises(EndpointUnavailable):
        await client.status(provider_id)
