"""What a worker may ask for by its attempt's token, and what it may not."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.dispatch.orders import GRANTS_PATH
from shared.wire.work_order import MAX_GRANTS, WorkOrder
from tests.orchestrator.api.running import database, path_of, running_api
from tests.orchestrator.relay.ticking import Ticking

__all__ = ["database"]


@pytest.fixture
async def ticking(tmp_path: Path, database: Path) -> AsyncIterator[Ticking]:
    async with running_api(tmp_path, database, grant_ttl_s=60) as running:
        yield Ticking(running)


async def ordered(ticking: Ticking, operation: str = "echo", **params: Any) -> WorkOrder:
    """Hand in a job of two items and return its order, as the endpoint has it."""
    items = [{"id": f"i{n}", **params} for n in range(2)]
    answer = await ticking.api.client.post("/v1/jobs", json={"operation": operation, "items": items})
    assert answer.status_code == 202, answer.text
    await ticking.dispatch()
    return WorkOrder.model_validate(ticking.only_task.body["input"])


async def ask(ticking: Ticking, order: WorkOrder, token: str | None = None, **asked: Any) -> httpx.Response:
    """Ask as a worker does."""
    body = {"task_id": order.task_id, "attempt": order.attempt, **asked}
    headers = {"authorization": f"Bearer {token or order.token}"}
    async with httpx.AsyncClient(base_url=ticking.api.url) as worker:
        return await worker.post(GRANTS_PATH, json=body, headers=headers)


async def put(ticking: Ticking, grant: dict[str, Any]) -> int:
    """Store something by a grant; return the status."""
    async with httpx.AsyncClient(base_url=ticking.api.url) as worker:
        answer = await worker.put(path_of(grant["url"]), content=b"abc", headers=grant["headers"])
    return answer.status_code


async def test_ended_grants_of_the_attempt_are_replaced_for_as_long(ticking: Ticking) -> None:
    order = await ordered(ticking)
    ticking.api.clock.advance(61)
    old = [order.manifest, order.items[0].result, order.items[1].outputs["text"]]
    assert [await put(ticking, grant.model_dump()) for grant in old] == [410] * 3
    answer = await ask(ticking, order, refresh=[grant.key for grant in old])
    assert answer.status_code == 200
    fresh = answer.json()["uploads"]
    assert list(fresh) == [grant.key for grant in old]
    for before, now in zip(old, fresh.values(), strict=True):
        told = {name: now[name] for name in ("key", "content_type", "max_bytes", "headers")}
        assert told == {name: getattr(before, name) for name in told}
    assert [await put(ticking, grant) for grant in fresh.values()] == [200] * 3
    ticking.api.clock.advance(61)
    assert [await put(ticking, grant) for grant in fresh.values()] == [410] * 3


async def test_fresh_grants_end_with_the_attempt(ticking: Ticking) -> None:
    order = await ordered(ticking)
    left_s = (order.deadline_ms - ticking.api.clock.now_ms()) / 1000
    ticking.api.clock.advance(left_s - 1)
    assert (await ask(ticking, order, refresh=[order.manifest.key])).status_code == 200
    ticking.api.clock.advance(1)
    ended = await ask(ticking, order, refresh=[order.manifest.key])
    assert (ended.status_code, ended.json()["code"]) == (409, "attempt-ended")


async def test_own_input_is_granted_again_and_no_other(ticking: Ticking) -> None:
    earlier = await ticking.api.post_job()
    await ticking.api.finish_with_file(earlier["id"], b"pixels")
    source, other = f"output://{earlier['id']}/i0/text", f"output://{earlier['id']}/i1/text"
    order = await ordered(ticking, image=source)
    ticking.api.clock.advance(61)
    async with httpx.AsyncClient(base_url=ticking.api.url) as worker:
        assert (await worker.get(path_of(order.inputs[source].url))).status_code == 410
        answer = await ask(ticking, order, inputs=[source, other, "https://example.com/a.jpg"])
        assert list(answer.json()["inputs"]) == [source]
        assert (await worker.get(path_of(answer.json()["inputs"][source]["url"]))).content == b"pixels"


async def test_stale_ended_and_cancelled_attempts_get_nothing(ticking: Ticking) -> None:
    stale = await ordered(ticking)
    ticking.only_task.status, ticking.only_task.error = "FAILED", "the worker died"
    await ticking.follow()
    ticking.api.clock.advance(10)
    await ticking.dispatch()
    current = WorkOrder.model_validate(ticking.only_task.body["input"])
    assert (current.task_id, current.attempt) == (stale.task_id, 2)
    for order, status in ((stale, 409), (current, 200)):
        assert (await ask(ticking, order, refresh=[order.manifest.key])).status_code == status
    await ticking.api.client.post(f"/v1/jobs/{current.job_id}/cancel")
    assert (await ask(ticking, current, refresh=[current.manifest.key])).status_code == 409


async def test_no_token_but_the_attempt_s_own_opens_the_door(ticking: Ticking) -> None:
    order, signer = await ordered(ticking), ticking.services.signer
    named = f"{order.task_id}/{order.attempt}"
    for token in (
        "x",
        signer.seal("attempt", named),
        signer.seal("work", f"{order.task_id}/{order.attempt + 1}"),
        signer.seal("work", f"task_other/{order.attempt}"),
        order.token[:-1],
        ticking.api.key.key,
    ):
        refused = await ask(ticking, order, token, refresh=[order.manifest.key])
        assert (refused.status_code, refused.json()["code"]) == (403, "signature-invalid")


async def test_keys_that_are_not_the_attempt_s_are_refused(ticking: Ticking) -> None:
    order = await ordered(ticking)
    prefix = order.manifest.key.rpartition("/")[0]
    for key in (
        f"{prefix}/2/echo.txt",
        f"{prefix}/0/other.txt",
        f"{prefix}/0/../1/echo.txt",
        f"{prefix}x/0/echo.txt",
        f"{prefix.removesuffix('1')}2/manifest.json",
        f"{prefix}/00/echo.txt",
        f"/{prefix}/0/echo.txt",
        "other/job_1/0-1/0/echo.txt",
        "",
    ):
        refused = await ask(ticking, order, refresh=[order.manifest.key, key])
        assert refused.status_code == 422, key
        assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/refresh/1"], key


async def test_files_that_nobody_could_count_are_granted_by_number(ticking: Ticking) -> None:
    order = await ordered(ticking, "pieces")
    assert [list(item.outputs) for item in order.items] == [["text"]] * 2
    answer = await ask(ticking, order, further=[{"item_id": "i1", "slot": "piece", "first": 7, "count": 2}])
    granted = answer.json()["further"]["i1"]
    keys = {
        name: grant["key"].removeprefix(order.manifest.key.removesuffix("manifest.json"))
        for name, grant in granted.items()
    }
    assert keys == {"piece_00007": "1/piece-00007.bin", "piece_00008": "1/piece-00008.bin"}
    assert [await put(ticking, grant) for grant in granted.values()] == [200, 200]
    refreshed = await ask(ticking, order, refresh=[granted["piece_00008"]["key"]])
    assert refreshed.status_code == 200


@pytest.mark.parametrize(
    ("further", "pointer"),
    [
        ({"item_id": "i2", "slot": "piece", "first": 0, "count": 1}, "/further/0/item_id"),
        ({"item_id": "i0", "slot": "text", "first": 0, "count": 1}, "/further/0/slot"),
        ({"item_id": "i0", "slot": "other", "first": 0, "count": 1}, "/further/0/slot"),
        ({"item_id": "i0", "slot": "piece", "first": 600, "count": 1}, "/further/0/count"),
        ({"item_id": "i0", "slot": "piece", "first": 599, "count": 2}, "/further/0/count"),
        ({"item_id": "i0", "slot": "piece", "first": -1, "count": 1}, "/further/0/first"),
        ({"item_id": "i0", "slot": "piece", "first": 0, "count": MAX_GRANTS + 1}, "/further/0/count"),
    ],
)
async def test_other_files_are_refused(ticking: Ticking, further: dict[str, Any], pointer: str) -> None:
    refused = await ask(ticking, await ordered(ticking, "pieces"), further=[further])
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]


async def test_one_request_has_its_bounds(ticking: Ticking) -> None:
    order = await ordered(ticking, "pieces")
    half = {"item_id": "i0", "slot": "piece", "first": 0, "count": MAX_GRANTS // 2 + 1}
    assert (await ask(ticking, order, further=[half, half])).status_code == 422
    assert (await ask(ticking, order, refresh=[order.manifest.key] * (MAX_GRANTS + 1))).status_code == 422
    assert (await ask(ticking, order, refresh=["x" * (256 << 10)])).status_code == 413
