"""Ending an attempt: what it left in storage decides on its items, whatever the endpoint says became of it."""

import structlog
from pydantic import ValidationError

from orchestrator.dispatch.port import EndpointTask
from orchestrator.jobs.settle import OpenItem, settle
from orchestrator.jobs.states import AttemptEnd
from orchestrator.relay.collect import Believed, read_manifest, read_results, verified
from orchestrator.services import Services
from orchestrator.store import settling
from orchestrator.store.attempts import OrderedItem
from orchestrator.store.settling import AttemptFacts, FlyingAttempt
from shared.wire.problem import ErrorInfo
from shared.wire.result import Manifest

_RETRY_MS = 2_000
_MAX_NAME = 128
"""Characters of a worker's or GPU's name; the database takes no more."""

log = structlog.get_logger()


async def conclude(
    services: Services, attempt: FlyingAttempt, end: AttemptEnd, task: EndpointTask | None = None
) -> None:
    """End the attempt; the items without a final result go to another one, or fail."""
    items = await services.store.glance(lambda c: settling.open_items(c, attempt.task_id))
    cancelled = await services.store.glance(lambda c: settling.job_was_cancelled(c, attempt.job_id))
    manifest = await read_manifest(services, attempt)
    believed = await _believed(services, attempt, items, manifest)
    facts = _facts(services, attempt, end, task, manifest)
    settlement = settle(
        [OpenItem(item.n, item.id) for item in items],
        believed.results,
        end,
        attempts_left=services.settings.max_attempts - attempt.n,
        cancelled=cancelled,
        reported=_reported(task),
        etags=believed.etags,
    )
    retry_at_ms = facts.ended_ms + (_RETRY_MS if end is not AttemptEnd.LOST else 0)
    if await services.store.write(
        lambda c: settling.end_attempt(c, services.announce, attempt.task_id, attempt.n, settlement, facts, retry_at_ms)
    ):
        log.info(
            "task.ended" if not settlement.retry else "task.to_be_retried",
            outcome=end,
            items_ended=len(settlement.ended),
            error=task.error[:200] if task is not None and task.error else None,
        )
        services.metrics.attempt_ended(end, _lag_s(attempt, task, services.clock.now_ms()))
    services.hints.discard(attempt.task_id, attempt.n)
    services.changes.announce(attempt.job_id)
    services.work_waiting.set()


async def _believed(
    services: Services, attempt: FlyingAttempt, items: list[OrderedItem], manifest: Manifest | None
) -> Believed:
    """Return what may be believed of the manifest and, for the items that it lacks, of their commit markers."""
    results = {} if manifest is None else {result.item_id: result for result in manifest.items}
    lacking = [item for item in items if item.id not in results]
    return await verified(services, attempt, items, results | await read_results(services, attempt, lacking))


def _facts(
    services: Services, attempt: FlyingAttempt, end: AttemptEnd, task: EndpointTask | None, manifest: Manifest | None
) -> AttemptFacts:
    ended_ms = services.clock.now_ms()
    claimed_ms = manifest.execution_ms if manifest is not None else (task.execution_ms if task else 0)
    worker = (task.worker if task else None) or (manifest.worker if manifest else None)
    gpu = manifest.gpu if manifest else None
    return AttemptFacts(
        end=end,
        ended_ms=ended_ms,
        # A worker's word for it, so no more than has passed.
        execution_ms=max(0, min(claimed_ms, ended_ms - attempt.submitted_ms)),
        worker=worker[:_MAX_NAME] if worker else None,
        gpu=gpu[:_MAX_NAME] if gpu else None,
    )


def _lag_s(attempt: FlyingAttempt, task: EndpointTask | None, now_ms: int) -> float | None:
    """Return how long ago the task ended by the endpoint's own word; None where it has none.

    It says durations, not times, so the way of the submit counts as well.
    """
    if task is None or not task.execution_ms:
        return None
    return (now_ms - attempt.submitted_ms - task.delay_ms - task.execution_ms) / 1000


def _reported(task: EndpointTask | None) -> ErrorInfo | None:
    """Return the error with which our worker's handler refused the whole task; None for any other text."""
    try:
        return None if task is None or task.error is None else ErrorInfo.model_validate_json(task.error)
    except ValidationError:
        return None
