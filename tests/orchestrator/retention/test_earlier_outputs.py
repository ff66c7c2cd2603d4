"""Outputs as inputs of later jobs: taken while their time lasts, and kept until the job that needs them has ended."""

from typing import Any

import pytest

from orchestrator.retention import expire
from tests.orchestrator.api.running import Api
from tests.orchestrator.relay.ticking import Ticking
from tests.orchestrator.retention.keeping import FILES, Keeping


@pytest.fixture
def disk(api: Api) -> Keeping:
    return Keeping(api, api.services)


async def submitted(disk: Keeping, source: str) -> Any:
    job = {"operation": "img2vid", "items": [{"id": "a", "image": f"output://{source}/i0/text"}]}
    return await disk.api.client.post("/v1/jobs", json=job)


async def test_an_output_whose_time_is_over_is_no_input_unless_it_is_pinned(disk: Keeping) -> None:
    source = await disk.ended_job(output_ttl_s=60)
    disk.api.clock.advance(60)
    refused = await submitted(disk, source)
    assert (refused.status_code, refused.json()["code"]) == (422, "validation-failed")
    assert refused.json()["errors"] == [
        {"pointer": "/items/0/image", "detail": f"output://{source}/i0/text has expired; pin its job to use it"}
    ]
    await disk.api.client.put(f"/v1/jobs/{source}/pin")
    assert (await submitted(disk, source)).status_code == 202


async def test_an_output_stays_beyond_its_time_while_a_job_that_needs_it_waits(disk: Keeping) -> None:
    source = await disk.ended_job(output_ttl_s=60)
    job_id = (await submitted(disk, source)).json()["id"]
    disk.api.clock.advance(61)
    await disk.sweep()
    assert await disk.left(source) == list(FILES)
    assert await disk.link_answers(source) == (410, "link-expired")
    ticking = Ticking(disk.api)
    await ticking.dispatch()
    assert list(ticking.only_task.body["input"]["inputs"]) == [f"output://{source}/i0/text"]
    await disk.api.client.post(f"/v1/jobs/{job_id}/cancel")
    await ticking.follow()
    assert (await disk.job(job_id))["status"] == "CANCELLED"
    await disk.sweep()
    assert await disk.left(source) == []


async def test_a_removal_that_is_ordered_waits_for_a_job_that_came_while_it_was_pinned(disk: Keeping) -> None:
    source = await disk.ended_job(output_ttl_s=60)
    disk.api.clock.advance(61)
    now_ms = disk.api.clock.now_ms()
    await expire.tick(disk.services, now_ms)
    await disk.api.client.put(f"/v1/jobs/{source}/pin")
    job_id = (await submitted(disk, source)).json()["id"]
    await disk.api.client.delete(f"/v1/jobs/{source}/pin")
    await disk.sweep()
    assert await disk.left(source) == list(FILES)
    await disk.api.client.post(f"/v1/jobs/{job_id}/cancel")
    await disk.sweep()
    assert await disk.left(source) == []


async def test_a_job_is_not_deleted_while_another_needs_its_output(disk: Keeping) -> None:
    source = await disk.ended_job()
    job_id = (await submitted(disk, source)).json()["id"]
    refused = await disk.api.client.delete(f"/v1/jobs/{source}")
    assert (refused.status_code, refused.json()["code"]) == (409, "outputs-in-use")
    await disk.api.client.post(f"/v1/jobs/{job_id}/cancel")
    assert (await disk.api.client.delete(f"/v1/jobs/{source}")).status_code == 204
    await disk.sweep()
    assert await disk.left(source) == []


async def test_a_hold_keeps_an_output_whose_own_job_was_just_deleted(disk: Keeping) -> None:
    source = await disk.ended_job()
    job_id = (await submitted(disk, source)).json()["id"]
    await disk.api.client.post(f"/v1/jobs/{job_id}/cancel")
    await disk.api.client.delete(f"/v1/jobs/{source}")
    held = await disk.api.client.put(f"/v1/jobs/{job_id}/legal-hold", json={"reason": "Case 4711"})
    assert held.status_code == 200
    await disk.sweep()
    assert await disk.left(source) == list(FILES)
