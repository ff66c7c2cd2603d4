"""The dry run: a plan, and nothing stored."""

from orchestrator.store import tables
from shared.wire.plan import MAX_WARNINGS, JobPlan, PlanWarning
from tests.orchestrator.api.running import IMAGE, Api
from tests.shared.captions.written import srt

BODY = {
    "operation": "img2vid",
    "items": [{"id": "a", "image": IMAGE}, {"id": "b", "image": IMAGE, "duration_s": 10, "fps": 30}],
    "defaults": {"width": 1280, "height": 720},
}


async def test_a_dry_run_plans_and_stores_nothing(api: Api) -> None:
    answer = await api.client.post("/v1/jobs?dry_run=true", json=BODY)
    assert answer.status_code == 200, answer.text
    plan = JobPlan.model_validate_json(answer.content)
    assert [item.params["duration_s"] for item in plan.items] == [5.0, 10.0]
    [video] = plan.items[1].outputs
    assert video.facts == {"width": 1280, "height": 720, "duration_s": 10.0, "fps": 30.0, "frames": 300}
    assert sum(len(task.item_ids) for task in plan.tasks) == plan.items_total == 2
    assert (plan.estimate.basis, plan.estimate.start_in_s, plan.estimate.cost) == ("hint", 0, None)
    assert plan.estimate.finish_in_s >= plan.estimate.work_s > 0
    assert await api.count(tables.jobs) == await api.count(tables.items) == 0
    assert not api.services.work_waiting.is_set()


async def test_a_dry_run_refuses_what_a_submit_refuses(api: Api) -> None:
    wrong = {**BODY, "items": [{"id": "a", "image": "output://job_x/a/video", "fps": 0}]}
    dry, real = [await api.client.post(f"/v1/jobs{query}", json=wrong) for query in ("?dry_run=true", "")]
    assert dry.status_code == real.status_code == 422
    assert dry.json()["errors"] == real.json()["errors"]
    gone = {"operation": "img2vid", "input": {"image": "output://job_01ARZ3NDEKTSV4RRFFQ69G5FAV/a/video"}}
    assert (await api.client.post("/v1/jobs?dry_run=true", json=gone)).json()["code"] == "validation-failed"


async def test_waiting_work_puts_the_start_off(api: Api) -> None:
    await api.client.post("/v1/jobs", json=BODY)
    plan = JobPlan.model_validate_json((await api.client.post("/v1/jobs?dry_run=true", json=BODY)).content)
    assert plan.estimate.start_in_s > 0
    assert plan.estimate.finish_in_s > plan.estimate.start_in_s


async def test_once_work_was_measured_the_estimate_and_its_cost_go_by_that(api: Api) -> None:
    now_ms = api.clock.now_ms()
    for _ in range(3):
        await api.client.post("/v1/jobs", json=BODY)
    done = [
        {
            "task_id": task.id, "n": 1, "tenant": "acme", "job_id": task.job_id, "endpoint": "fake", "state": "ENDED",
            "outcome": "COMPLETED", "item_ns": [], "submitted_ms": now_ms, "deadline_ms": now_ms,
            "execution_ms": round(task.cost_s * 250),
        }
        for task in await api.rows(tables.tasks.select())
    ]  # fmt: skip
    ended = tables.tasks.update().values(status="ENDED")
    await api.services.store.write(lambda c: (c.execute(tables.attempts.insert(), done), c.execute(ended)))
    plan = JobPlan.model_validate_json((await api.client.post("/v1/jobs?dry_run=true", json=BODY)).content)
    hinted_s = sum(task.work_s for task in plan.tasks)
    assert plan.estimate.basis == "measured"
    assert abs(plan.estimate.work_s - hinted_s / 4) < 0.02


def captions(*subtitles: str) -> dict[str, object]:
    items = [{"id": f"i{n}", "subtitles": text} for n, text in enumerate(subtitles)]
    return {"operation": "caption", "items": items, "defaults": {"video": "https://example.com/a.mp4"}}


async def test_a_dry_run_warns_of_characters_that_no_font_has(api: Api) -> None:
    body = captions(srt("olá"), srt("漢"), "https://example.com/a.srt")
    plan = JobPlan.model_validate_json((await api.client.post("/v1/jobs?dry_run=true", json=body)).content)
    detail = "No font here has 漢 (U+6F22): each is drawn as an empty box."
    assert plan.warnings == [PlanWarning(item="i1", pointer="/subtitles", code="missing-glyphs", detail=detail)]
    assert plan.items[1].params["subtitles"] == srt("漢")
    assert (await api.client.post("/v1/jobs", json=body)).status_code == 202, "it may be submitted all the same"
    other = await api.client.post("/v1/jobs?dry_run=true", json=BODY)
    assert other.json()["warnings"] == []


async def test_warnings_come_from_all_items_and_are_not_without_end(api: Api) -> None:
    late = captions(*[srt("olá")] * 150, srt("漢"))
    many = captions(*[srt("漢")] * 150)
    plans = [(await api.client.post("/v1/jobs?dry_run=true", json=body)).json() for body in (late, many)]
    assert [warning["item"] for warning in plans[0]["warnings"]] == ["i150"]
    assert [len(plan["warnings"]) for plan in plans] == [1, MAX_WARNINGS]
