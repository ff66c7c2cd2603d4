"""Addresses to upload to outlive an item's completion: what is put there afterwards is never its output."""

from pathlib import Path

import pytest

from orchestrator.store import tables
from tests.orchestrator.api.running import path_of
from tests.orchestrator.relay.ticking import Ticking


@pytest.mark.parametrize("early", [False, True])
async def test_an_output_that_was_replaced_after_its_completion_is_lost(ticking: Ticking, early: bool) -> None:
    job_id = await ticking.submitted(2)
    results = [await ticking.commit(0), await ticking.commit(1)]
    if early:
        snapshot = {"seq": 1, "stage": "run", "percent": 50.0, "items_total": 2, "committed": ["i0"]}
        ticking.only_task.status, ticking.only_task.output = "IN_PROGRESS", snapshot
        await ticking.follow()
        assert [item["status"] for item in (await ticking.job(job_id))["items"]] == ["COMPLETED", "IN_PROGRESS"]
    await ticking.close_with(*results)
    ticking.only_task.status = "COMPLETED"
    await ticking.follow()
    job = await ticking.job(job_id)
    assert job["status"] == "COMPLETED"
    link = path_of(job["items"][0]["output"]["text"]["url"])
    assert (await ticking.api.client.get(link)).content == b"abc"
    replace(ticking, results[0].outputs["text"].key)
    answer = await ticking.api.client.get(link)
    assert (answer.status_code, answer.json()["code"]) == (410, "output-lost")


async def test_a_replaced_output_is_no_input_either(ticking: Ticking) -> None:
    source = await ticking.submitted(1)
    result = await ticking.commit(0)
    await ticking.close_with(result)
    ticking.only_task.status = "COMPLETED"
    await ticking.follow()
    made = {"operation": "img2vid", "input": {"image": f"output://{source}/i0/text"}}
    first, second = [(await ticking.api.client.post("/v1/jobs", json=made)).json()["id"] for _ in range(2)]
    await ticking.api.services.store.write(
        lambda c: c.execute(tables.tasks.update().where(tables.tasks.c.job_id == second).values(not_before_ms=1 << 50))
    )
    await ticking.dispatch()
    [grant] = ticking.only_task.body["input"]["inputs"].values()
    stored = await ticking.services.storage.head(result.outputs["text"].key)
    assert stored is not None
    assert grant["etag"] == stored.etag
    replace(ticking, result.outputs["text"].key)
    await ticking.services.store.write(lambda c: c.execute(tables.tasks.update().values(not_before_ms=0)))
    await ticking.dispatch()
    assert (await ticking.codes(first), await ticking.codes(second)) == ([None], ["input-unavailable"])


def replace(ticking: Ticking, key: str) -> None:
    """Put another file there, as a bucket takes it from whoever still holds the address."""
    path: Path = ticking.api.folder / "outputs" / key
    path.write_bytes(b"face")
