"""Lists of jobs: by labels and time."""

import pytest

from tests.orchestrator.api.running import Api


async def ids(api: Api, query: str) -> list[str]:
    answer = await api.client.get(f"/v1/jobs?{query}")
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["jobs"]]


async def test_jobs_are_found_by_their_labels(api: Api) -> None:
    red = (await api.post_job(1, labels={"colour": "red", "order": "A:17"}))["id"]
    api.clock.advance(1)
    blue = (await api.post_job(1, labels={"colour": "blue", "order": "A:17"}))["id"]
    await api.post_job(1)
    assert await ids(api, "label=colour:red") == [red]
    assert await ids(api, "label=order:A:17") == [blue, red]
    assert await ids(api, "label=order:A:17&label=colour:blue") == [blue]
    assert await ids(api, "label=colour:green") == await ids(api, "label=order:A") == []
    async with api.as_tenant("other") as other:
        assert (await other.get("/v1/jobs?label=colour:red")).json()["jobs"] == []


async def test_jobs_are_found_by_their_time(api: Api) -> None:
    made = []
    for _ in range(3):
        made.append((await api.post_job(1))["id"])
        api.clock.advance(3600)
    assert await ids(api, "created_after=2027-01-15T09:00:00Z") == made[:0:-1]
    assert await ids(api, "created_before=2027-01-15T09:00:00Z") == made[:1]
    assert await ids(api, "created_after=2027-01-15T10:00:00%2B01:00&created_before=2027-01-15T10:00:00Z") == made[1:2]


@pytest.mark.parametrize(
    "query",
    ["label=colour", "label=:x", "created_after=yesterday", "created_after=2027-01-15T09:00:00", "limit=1&limit=2"],
)
async def test_a_question_that_makes_no_sense_is_refused(api: Api, query: str) -> None:
    answer = await api.client.get(f"/v1/jobs?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed")
