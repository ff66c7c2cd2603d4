"""Following every attempt at the endpoint: poll its status, pass its progress on, settle it when it ends."""

import asyncio
import random
from dataclasses import dataclass, field
from functools import partial

import structlog
from pydantic import ValidationError

from orchestrator.dispatch.port import EndpointStatus, EndpointTask
from orchestrator.jobs.settle import OpenItem, is_final, item_end, settle
from orchestrator.jobs.states import AttemptEnd, AttemptState
from orchestrator.relay.collect import read_manifest, read_results, verified
from orchestrator.services import Services
from orchestrator.store import settling
from orchestrator.store.attempts import OrderedItem
from orchestrator.store.settling import AttemptFacts, FlyingAttempt
from shared.errors import AdapterError, EndpointForgot
from shared.wire.progress import ProgressSnapshot
from shared.wire.result import ItemResult

_POLLS_AT_ONCE = 16
_POLLS_PER_S = 100
"""RunPod takes 200 status reads a second; half of them are left to others."""
_FRESH_MS = 10_000
_RETRY_MS = 2_000
_SLACK_MS = 30_000

log = structlog.get_logger()


@dataclass
class Follower:
    """When each attempt is looked at next, and which of its items were committed early."""

    _next_look_ms: dict[tuple[str, int], int] = field(default_factory=dict)
    _committed: dict[tuple[str, int], set[str]] = field(default_factory=dict)

    async def tick(self, services: Services, now_ms: int) -> None:
        """Look at every attempt whose time has come or that a hint named."""
        endpoint = services.settings.endpoint_name
        flying = await services.store.read(lambda c: settling.attempts_in_flight(c, endpoint))
        self._forget_ended(flying)
        gate = asyncio.Semaphore(_POLLS_AT_ONCE)
        due = [attempt for attempt in flying if self._is_due(services, attempt, now_ms)]
        interval_ms = round(1000 * min(max(len(flying) / _POLLS_PER_S, 1), 30))

        async def look(attempt: FlyingAttempt) -> None:
            async with gate:
                key = (attempt.task_id, attempt.n)
                self._next_look_ms[key] = now_ms + round(interval_ms * random.uniform(0.8, 1.1))  # noqa: S311
                with structlog.contextvars.bound_contextvars(job_id=attempt.job_id, task_id=key[0], attempt=key[1]):
                    await self._look(services, attempt)

        await asyncio.gather(*map(look, due))

    def _is_due(self, services: Services, attempt: FlyingAttempt, now_ms: int) -> bool:
        key = (attempt.task_id, attempt.n)
        return now_ms >= self._next_look_ms.get(key, 0) or (attempt.provider_id is not None and key in services.hints)

    def _forget_ended(self, flying: list[FlyingAttempt]) -> None:
        alive = {(attempt.task_id, attempt.n) for attempt in flying}
        for memory in (self._next_look_ms, self._committed):
            for key in memory.keys() - alive:
                del memory[key]

    async def _look(self, services: Services, attempt: FlyingAttempt) -> None:
        try:
            if attempt.provider_id is None:
                await self._look_for_lost_submit(services, attempt)
            else:
                services.hints.discard(attempt.task_id, attempt.n)
                await self._look_at_endpoint(services, attempt, attempt.provider_id)
        except AdapterError as failed:
            log.warning("attempt.look_failed", reason=failed.detail)

    async def _look_for_lost_submit(self, services: Services, attempt: FlyingAttempt) -> None:
        """Wait for a hint or a manifest; when the time is over, a new attempt goes out under a higher number."""
        if attempt.state is not AttemptState.UNKNOWN:
            return
        waited_ms = services.clock.now_ms() - attempt.submitted_ms
        if await read_manifest(services, attempt) is not None:
            await _settle(services, attempt, AttemptEnd.COMPLETED)
        elif waited_ms > services.settings.unknown_submit_s * 1000:
            await _settle(services, attempt, AttemptEnd.LOST)

    async def _look_at_endpoint(self, services: Services, attempt: FlyingAttempt, provider_id: str) -> None:
        now_ms = services.clock.now_ms()
        try:
            task = await services.endpoint.status(provider_id)
        except EndpointForgot:
            await self._settle_forgotten(services, attempt)
            return
        if task.status.terminal:
            await _settle(services, attempt, AttemptEnd(task.status), task)
        elif now_ms > attempt.deadline_ms + _SLACK_MS:
            await services.endpoint.cancel(provider_id)
            await _settle(services, attempt, AttemptEnd.LOST, task)
        elif task.status is EndpointStatus.IN_PROGRESS:
            await self._relay_progress(services, attempt, task)

    async def _settle_forgotten(self, services: Services, attempt: FlyingAttempt) -> None:
        """Complete from the manifest; without one, a fresh task may merely not be known yet."""
        if await read_manifest(services, attempt) is not None:
            await _settle(services, attempt, AttemptEnd.COMPLETED)
        elif services.clock.now_ms() - attempt.submitted_ms > _FRESH_MS:
            await _settle(services, attempt, AttemptEnd.LOST)

    async def _relay_progress(self, services: Services, attempt: FlyingAttempt, task: EndpointTask) -> None:
        now_ms = services.clock.now_ms()
        if await services.store.write(
            partial(settling.mark_running, attempt=attempt, worker=task.worker, now_ms=now_ms)
        ):
            log.info("task.started", worker=task.worker)
            services.changes.announce(attempt.job_id)
        try:
            snapshot = ProgressSnapshot.model_validate(task.output)
        except ValidationError:
            return  # nothing has been reported yet
        if await services.store.write(lambda c: settling.save_progress(c, attempt, snapshot.model_dump())):
            services.changes.announce(attempt.job_id)
        await self._commit_early(services, attempt, set(snapshot.committed))

    async def _commit_early(self, services: Services, attempt: FlyingAttempt, reported: set[str]) -> None:
        """Show items as done while their task still runs; their commit markers, not the report, are believed."""
        known = self._committed.setdefault((attempt.task_id, attempt.n), set())
        if not reported - known:
            return
        items = await services.store.read(lambda c: settling.open_items(c, attempt.task_id))
        items = [item for item in items if item.id in reported - known]
        results = await verified(services, attempt, items, await read_results(services, attempt, items))
        ends = [
            item_end(OpenItem(item.n, item.id), results[item.id])
            for item in items
            if item.id in results and is_final(results[item.id])
        ]
        now_ms = services.clock.now_ms()
        if await services.store.write(lambda c: settling.commit_items(c, attempt.task_id, attempt.n, ends, now_ms)):
            services.changes.announce(attempt.job_id)
        known |= reported


async def _settle(
    services: Services, attempt: FlyingAttempt, end: AttemptEnd, task: EndpointTask | None = None
) -> None:
    """End the attempt by what it left in storage, whatever the endpoint says became of it."""
    items = await services.store.read(lambda c: settling.open_items(c, attempt.task_id))
    cancelled = await services.store.read(lambda c: settling.job_was_cancelled(c, attempt.job_id))
    results, facts = await _what_it_left(services, attempt, items, end, task)
    settlement = settle(
        [OpenItem(item.n, item.id) for item in items],
        results,
        end,
        attempts_left=services.settings.max_attempts - attempt.n,
        cancelled=cancelled,
    )
    retry_at_ms = facts.ended_ms + (_RETRY_MS if end is not AttemptEnd.LOST else 0)
    if await services.store.write(
        lambda c: settling.end_attempt(c, attempt.task_id, attempt.n, settlement, facts, retry_at_ms)
    ):
        log.info(
            "task.ended" if not settlement.retry else "task.to_be_retried",
            outcome=end,
            items_ended=len(settlement.ended),
            error=None if task is None else _short(task.error),
        )
    services.hints.discard(attempt.task_id, attempt.n)
    services.changes.announce(attempt.job_id)
    services.work_waiting.set()


async def _what_it_left(
    services: Services,
    attempt: FlyingAttempt,
    items: list[OrderedItem],
    end: AttemptEnd,
    task: EndpointTask | None,
) -> tuple[dict[str, ItemResult], AttemptFacts]:
    manifest = await read_manifest(services, attempt)
    if manifest is None:
        results = await read_results(services, attempt, items)
    else:
        results = {result.item_id: result for result in manifest.items}
    results = await verified(services, attempt, items, results)
    facts = AttemptFacts(
        end=end,
        ended_ms=services.clock.now_ms(),
        execution_ms=manifest.execution_ms if manifest is not None else (task.execution_ms if task else 0),
        worker=(task.worker if task else None) or (manifest.worker if manifest else None) or None,
        gpu=(manifest.gpu if manifest else None) or None,
    )
    return results, facts


def _short(error: str | None) -> str | None:
    return None if error is None else error[:200]
