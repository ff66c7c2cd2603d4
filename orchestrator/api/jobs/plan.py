"""The dry run: what a job would be, without storing it."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy.engine import Connection
from starlette.responses import Response

from orchestrator.api.door.answers import json_bytes, json_response
from orchestrator.jobs.accept import AcceptedItem, AcceptedJob
from orchestrator.jobs.estimate import expected_duration
from orchestrator.services import Services
from orchestrator.store.acting.plan import history_of, waiting_work_s
from orchestrator.store.submit import check_own_inputs
from orchestrator.views import cost_view
from shared.operation import AnyOperation
from shared.wire.job import EMBEDDED_ITEMS
from shared.wire.plan import MAX_WARNINGS, Estimate, JobPlan, PlannedItem, PlannedOutput, PlannedTask, PlanWarning


async def plan_response(services: Services, job: AcceptedJob) -> Response:
    """Return the answer that shows the plan of `job`; InvalidRequest where an input of its own is not there."""
    estimate = await services.store.read(lambda connection: _estimate(services, connection, job))
    plan = await asyncio.to_thread(_plan, services.catalogue[job.operation], job, estimate)
    return json_response(json_bytes(plan))


def _plan(operation: AnyOperation, job: AcceptedJob, estimate: Estimate) -> JobPlan:
    item_ids: dict[str, list[str]] = {task.id: [] for task in job.tasks}
    for item in job.items:
        item_ids[item.task_id].append(item.id)
    return JobPlan(
        operation=job.operation,
        operation_version=job.operation_version,
        items_total=len(job.items),
        items=[_planned_item(operation, item) for item in job.items[:EMBEDDED_ITEMS]],
        tasks=[PlannedTask(item_ids=item_ids[task.id], work_s=_rounded(task.cost_s)) for task in job.tasks],
        estimate=estimate,
        warnings=list(islice(_warnings(operation, job.items), MAX_WARNINGS)),
    )


def _estimate(services: Services, connection: Connection, job: AcceptedJob) -> Estimate:
    check_own_inputs(connection, job)
    history = history_of(connection, job.operation)
    settings = services.settings
    duration = expected_duration(
        [task.cost_s for task in job.tasks], history, waiting_work_s(connection), settings.max_workers
    )
    price_per_s = settings.worker_price_per_s
    return Estimate(
        basis="measured" if history.measured else "hint",
        work_s=_rounded(duration.work_s),
        start_in_s=_rounded(duration.start_in_s),
        finish_in_s=_rounded(duration.finish_in_s),
        cost=cost_view(None if price_per_s is None else price_per_s * duration.work_s, settings.currency),
    )


def _planned_item(operation: AnyOperation, item: AcceptedItem) -> PlannedItem:
    params = operation.params.model_validate(item.params)
    facts = operation.foreseen(params)
    return PlannedItem(
        id=item.id,
        params=item.params,
        outputs=[
            PlannedOutput(
                slot=slot.name,
                content_type=slot.content_type,
                max_bytes=slot.max_bytes,
                max_files=slot.many or 1,
                facts=dict(facts.get(slot.name, {})),
            )
            for slot in operation.slots(params)
        ],
        work_s=_rounded(operation.cost_s(params)),
    )


def _warnings(operation: AnyOperation, items: Iterable[AcceptedItem]) -> Iterator[PlanWarning]:
    for item in items:
        for warning in operation.warnings(operation.params.model_validate(item.params)):
            yield PlanWarning(item=item.id, pointer=warning.pointer, code=warning.code, detail=warning.detail)


def _rounded(seconds: float) -> float:
    return round(seconds, 2)
