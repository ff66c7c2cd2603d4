"""Jobs over HTTP: handed in, read, waited for, listed, and hidden from others."""

import asyncio
import time

import httpx
import pytest

from orchestrator.jobs.settle import ItemEnd
from orchestrator.store import tables
from shared.errors import SourceNotFound
from shared.operations import img2vid
from shared.wire.job import ItemView, JobView
from shared.wire.problem import ErrorInfo
from shared.wire.status import Status
from tests.orchestrator.api.running import PUBLIC_URL, Api, completed, eventually


async def test_a_job_is_stored_before_it_is_accepted(api: Api) -> None:
    answer = await api.client.post("/v1/jobs", json={"operation": "echo", "input": {}, "labels": {"order": "A-17"}})
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert int(answer.headers["retry-after"]) >= 1
    assert (job["status"], job["summary"]["total"], job["labels"]) == ("IN_QUEUE", 1, {"order": "A-17"})
    assert [item["id"] for item in job["items"]] == ["0"]
    assert job["progress"] == {"stage": "queue", "percent": 0.0, "items_done": 0, "items_total": 1, "eta_s": None}
    assert job["created_at"] == "2027-01-15T08:00:00Z"
    assert await api.count(tables.jobs) == await api.count(tables.items) == 1
    assert api.services.work_waiting.is_set()
    assert (await api.client.get(answer.headers["location"])).json() == job


async def test_no_fact_that_a_worker_states_takes_the_place_of_the_link(api: Api) -> None:
    job = await api.post_job(1)
    end = completed(0, "i0", "text", "acme/j/0-1/0/echo.txt")
    end.outputs["text"]["facts"] = {"url": "https://evil.example", "sha256": "no", "width": 7}
    await api.end_items(job["id"], [end])
    [item] = (await api.client.get(f"/v1/jobs/{job['id']}")).json()["items"]
    assert item["output"]["text"]["url"].startswith(f"{PUBLIC_URL}/output/")
    assert (item["output"]["text"]["sha256"], item["output"]["text"]["width"]) == ("0" * 64, 7)


async def test_a_finished_job_shows_links_facts_and_errors(api: Api) -> None:
    job = await api.post_job(2)
    lost = ErrorInfo.of(SourceNotFound())
    api.clock.advance(2)
    await api.end_items(
        job["id"], [completed(0, "i0", "text", "acme/j/0-1/0/echo.txt"), ItemEnd(1, "i1", Status.FAILED, lost)]
    )
    answer = await api.client.get(f"/v1/jobs/{job['id']}")
    seen = answer.json()
    assert set(seen) == set(JobView.model_fields)
    assert all(set(item) == set(ItemView.model_fields) for item in seen["items"])
    JobView.model_validate(seen)
    assert (seen["status"], seen["progress"]) == ("COMPLETED_WITH_ERRORS", None)
    assert seen["summary"] == {"total": 2, "succeeded": 1, "failed": 1}
    assert "retry-after" not in answer.headers
    good, bad = seen["items"]
    assert good["output"]["text"].pop("url").startswith(f"{PUBLIC_URL}/output/")
    assert good["output"] == {
        "text": {"content_type": "text/plain", "size_bytes": 3, "sha256": "0" * 64, "characters": 3}
    }
    assert good["result"] == {"threads": 2}
    assert bad["error"] == {
        "code": "source-not-found",
        "detail": "The source's server says that there is no such file.",
        "retryable": False,
        "stage": "fetch",
    }


async def test_a_held_read_answers_as_soon_as_the_job_ends(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.api.jobs.read.REREAD_S", 60)
    job = await api.post_job()
    reading = asyncio.create_task(api.client.get(f"/v1/jobs/{job['id']}?wait=20"))
    await asyncio.sleep(0.2)
    assert not reading.done()
    started_s = time.monotonic()
    await api.end_items(job["id"], [completed(0, "i0", "text", "acme/j/0-1/0/echo.txt")])
    assert (await reading).json()["status"] == "COMPLETED"
    assert time.monotonic() - started_s < 10


async def test_a_held_read_finds_a_change_that_nobody_announced(api: Api) -> None:
    job = await api.post_job()
    reading = asyncio.create_task(api.client.get(f"/v1/jobs/{job['id']}?wait=20"))
    await asyncio.sleep(0.1)
    await api.services.store.write(lambda c: c.execute(tables.jobs.update().values(status="FAILED")))
    assert (await reading).json()["status"] == "FAILED"


async def test_a_held_read_ends_with_its_time(api: Api) -> None:
    job = await api.post_job()
    started_s = time.monotonic()
    answer = await api.client.get(f"/v1/jobs/{job['id']}?wait=0.3")
    assert 0.3 <= time.monotonic() - started_s < 5
    assert (answer.status_code, answer.json()["status"]) == (200, "IN_QUEUE")


async def test_a_preferred_wait_holds_the_answer_to_a_new_job(api: Api) -> None:
    body = {"operation": "echo", "input": {}}
    late = await api.client.post("/v1/jobs", json=body, headers={"prefer": "wait=0"})
    assert (late.status_code, late.headers["preference-applied"]) == (202, "wait=0")
    api.clock.advance(1)
    waiting = asyncio.create_task(api.client.post("/v1/jobs", json=body, headers={"prefer": "respond-async, wait=20"}))
    await eventually(lambda: api.count(tables.jobs), 2)
    [*_, newest] = sorted(row.id for row in await api.rows(tables.jobs.select()))
    await api.end_items(newest, [completed(0, "0", "text", "acme/j/0-1/0/echo.txt")])
    done = await waiting
    assert (done.status_code, done.json()["status"], done.headers["preference-applied"]) == (
        200,
        "COMPLETED",
        "wait=20",
    )


async def test_an_unchanged_job_is_not_sent_again(api: Api) -> None:
    job = await api.post_job()
    path = f"/v1/jobs/{job['id']}"
    etag = (await api.client.get(path)).headers["etag"]
    same = await api.client.get(path, headers={"if-none-match": etag})
    assert (same.status_code, same.content) == (304, b"")
    await api.end_items(job["id"], [completed(0, "i0", "text", "acme/j/0-1/0/echo.txt")])
    assert (await api.client.get(path, headers={"if-none-match": etag})).status_code == 200


async def test_progress_is_weighed_over_the_tasks(api: Api) -> None:
    job = await api.post_job(4)
    snapshot = {"seq": 1, "stage": "encode", "percent": 25.0, "committed": ["i0"]}
    await api.services.store.write(
        lambda c: (
            c.execute(tables.tasks.update().values(status="ACTIVE", progress=snapshot)),
            c.execute(tables.jobs.update().values(status="IN_PROGRESS", started_ms=api.clock.now_ms())),
        )
    )
    api.clock.advance(10)
    answer = await api.client.get(f"/v1/jobs/{job['id']}")
    assert answer.json()["progress"] == {
        "stage": "encode",
        "percent": 25.0,
        "items_done": 1,
        "items_total": 4,
        "eta_s": 30.0,
    }
    assert answer.headers["retry-after"] == "6"


async def test_items_come_in_pages_and_by_status(api: Api) -> None:
    job = await api.post_job(150)
    await api.end_items(job["id"], [completed(7, "i7", "text", "acme/j/0-1/7/echo.txt")])
    path = f"/v1/jobs/{job['id']}"
    assert len((await api.client.get(path)).json()["items"]) == 100
    first = (await api.client.get(f"{path}/items?limit=90")).json()
    rest = (await api.client.get(f"{path}/items", params={"limit": 90, "cursor": first["next_cursor"]})).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [f"i{n}" for n in range(150)]
    assert rest["next_cursor"] is None
    done = (await api.client.get(f"{path}/items?status=COMPLETED")).json()
    assert [item["id"] for item in done["items"]] == ["i7"]


async def test_jobs_are_listed_newest_first_without_items(api: Api) -> None:
    jobs = []
    for _ in range(3):
        jobs.append((await api.post_job())["id"])
        api.clock.advance(1)
    await api.end_items(jobs[0], [completed(0, "i0", "text", "acme/j/0-1/0/echo.txt")])
    first = (await api.client.get("/v1/jobs?limit=2")).json()
    rest = (await api.client.get("/v1/jobs", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [job["id"] for job in first["jobs"] + rest["jobs"]] == jobs[::-1]
    assert rest["next_cursor"] is None
    assert "items" not in first["jobs"][0]
    done = (await api.client.get("/v1/jobs?status=COMPLETED&operation=echo")).json()
    assert [job["id"] for job in done["jobs"]] == jobs[:1]
    assert (await api.client.get("/v1/jobs?operation=img2vid")).json()["jobs"] == []


async def test_another_tenants_job_looks_like_an_unknown_one(api: Api) -> None:
    job_id = (await api.post_job())["id"]
    unknown = "job_01HZZZZZZZZZZZZZZZZZZZZZZZ"
    async with api.as_tenant("other") as other:
        assert (await other.get("/v1/jobs")).json()["jobs"] == []
        for path in ("/v1/jobs/{}", "/v1/jobs/{}?wait=1", "/v1/jobs/{}/items"):
            theirs, nobodys = await other.get(path.format(job_id)), await other.get(path.format(unknown))
            assert theirs.status_code == nobodys.status_code == 404
            assert said(theirs) == said(nobodys)


WRONG_QUERIES = [
    ("/v1/jobs?limit=101", "?limit"),
    ("/v1/jobs?limit=x", "?limit"),
    ("/v1/jobs?status=DONE", "?status"),
    ("/v1/jobs?cursor=../../etc", "?cursor"),
    ("/v1/jobs?colour=red", "?colour"),
    ("/v1/jobs/{job}?wait=nan", "?wait"),
    ("/v1/jobs/{job}?wait=-1", "?wait"),
    ("/v1/jobs/{job}/items?limit=1001", "?limit"),
    ("/v1/jobs/{job}/items?cursor=9999999999999999999", "?cursor"),
]


async def test_a_wrong_query_is_pointed_at(api: Api) -> None:
    for path, pointer in WRONG_QUERIES:
        answer = await api.client.get(path.format(job="job_01HZZZZZZZZZZZZZZZZZZZZZZZ"))
        assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed"), path
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer], path


async def test_a_key_that_may_only_read_can_not_hand_in(api: Api) -> None:
    async with api.as_tenant("acme", ["jobs:read"]) as reader:
        refused = await reader.post("/v1/jobs", json={"operation": "echo", "input": {}})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert (await reader.get("/v1/jobs")).status_code == 200
    assert await api.count(tables.jobs) == 0


async def test_the_catalogue_tells_every_contract(api: Api) -> None:
    async with httpx.AsyncClient(base_url=api.url) as stranger:
        operations = {told["name"]: told for told in (await stranger.get("/v1/operations")).json()["operations"]}
    told = operations["img2vid"]
    assert told["params"]["required"] == ["image"]
    assert told["params"]["properties"]["fps"]["maximum"] == 120
    assert "video" in told["result"]["properties"]
    limits = img2vid.OPERATION.limits
    assert told["limits"] == {
        "max_items": 1000,
        "max_input_bytes": limits.max_input_bytes,
        "timeout_s": limits.timeout_s,
    }
    [told_output] = told["outputs"]
    assert told_output == {"slot": "video", "file_name": "video.mp4", "content_type": "video/mp4", "max_files": 1}


def said(answer: httpx.Response) -> dict[str, object]:
    """Return a problem without what differs from request to request."""
    return {name: value for name, value in answer.json().items() if name != "request_id"}
