"""Files of a slot with many: which of them are believed when a worker says that it made them."""

import pytest

from shared.wire.result import ItemResult, StoredOutput
from shared.wire.work_order import WorkOrder
from tests.orchestrator.relay.ticking import Ticking


async def job_ending_with(ticking: Ticking, outputs: dict[str, str]) -> str:
    """Run a job of one item to its end with these files (key below the item's place, by name); return the job's id."""
    answer = await ticking.api.client.post("/v1/jobs", json={"operation": "pieces", "input": {}})
    await ticking.dispatch()
    order = WorkOrder.model_validate(ticking.only_task.body["input"])
    prefix = order.manifest.key.removesuffix("manifest.json")
    stored = {}
    for name, place in outputs.items():
        kind = "text/plain" if name == "text" else "application/octet-stream"
        key = f"{prefix}{place}"
        await ticking.api.put_object(key, b"abc")
        stored[name] = StoredOutput(key=key, content_type=kind, size_bytes=3, sha256="0" * 64)
    result = ItemResult(
        task_id=order.task_id,
        attempt=1,
        item_id="0",
        status="COMPLETED",
        outputs=stored,
        operation_version=1,
        engine_version="0",
    )
    await ticking.close_with(result)
    ticking.only_task.status = "COMPLETED"
    await ticking.follow()
    return str(answer.json()["id"])


@pytest.mark.parametrize(
    "further",
    [
        {},
        {"piece_00000": "0/piece-00000.bin", "piece_00001": "0/piece-00001.bin"},
        {"piece_00599": "0/piece-00599.bin"},
    ],
)
async def test_any_of_many_files_may_be_there(ticking: Ticking, further: dict[str, str]) -> None:
    job = await ticking.job(await job_ending_with(ticking, {"text": "0/list.txt", **further}))
    assert job["status"] == "COMPLETED"
    assert set(job["items"][0]["output"]) == {"text", *further}


@pytest.mark.parametrize(
    "outputs",
    [
        {"piece_00000": "0/piece-00000.bin"},
        {"text": "0/list.txt", "piece_00600": "0/piece-00600.bin"},
        {"text": "0/list.txt", "piece_00000": "0/piece-00001.bin"},
        {"text": "0/list.txt", "piece_00000": "1/piece-00000.bin"},
        {"text": "0/list.txt", "piece": "0/piece.bin"},
        {"text": "0/list.txt", "piece_0": "0/piece-0.bin"},
    ],
    ids=["a needed one is missing", "beyond the cap", "another's place", "another item's", "no number", "short number"],
)
async def test_file_that_was_not_issued_is_not_believed(ticking: Ticking, outputs: dict[str, str]) -> None:
    job = await ticking.job(await job_ending_with(ticking, outputs))
    assert job["status"] != "COMPLETED"
    assert job["items"][0]["output"] in (None, {})
