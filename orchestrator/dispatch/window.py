"""The dispatch window: at most twice as many tasks at the endpoint as it has workers; the rest wait here."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy.engine import Connection

from orchestrator.dispatch.inputs import with_unchanged_inputs
from orchestrator.dispatch.orders import write_order
from orchestrator.dispatch.orphans import keep_or_cancel
from orchestrator.dispatch.port import Policy
from orchestrator.jobs.fairness import Candidate
from orchestrator.jobs.settle import ItemEnd, Settlement
from orchestrator.jobs.states import AttemptEnd
from orchestrator.loops.beside import Beside
from orchestrator.services import Services
from orchestrator.store import attempts as store_attempts
from orchestrator.store import settling
from orchestrator.store.attempts import OpenedAttempt, OrderedItem
from shared.errors import (
    AdapterError,
    EndpointRefused,
    EndpointReplyLost,
    EndpointUnavailable,
    InputUnavailable,
    JobError,
    OperationUnsupported,
    StorageUnavailable,
    SubmitRefused,
)
from shared.wire.problem import ErrorInfo
from shared.wire.status import Status
from shared.wire.work_order import WorkOrder

WINDOW_PER_WORKER = 2
_SUBMITS_AT_ONCE = 8
_EXPIRED_AT_ONCE = 100
_RETRY_MS = 5_000

log = structlog.get_logger()


@dataclass
class Window:
    """Takes tasks out of the queue and submits them, several at once; a submit that hangs holds up no tick."""

    submits: Beside = field(default_factory=lambda: Beside(_SUBMITS_AT_ONCE))
    """The submits under way, by task and attempt."""

    async def tick(self, services: Services, now_ms: int) -> None:
        """End the tasks that waited too long, then fill the window."""
        await _expire(services, now_ms)
        if services.disk_guard.is_full():
            return  # what is at the endpoint ends; what waits would only fail for want of room
        endpoint = services.settings.endpoint_name
        in_flight = await services.store.glance(lambda c: store_attempts.count_in_flight(c, endpoint))
        free = WINDOW_PER_WORKER * services.settings.max_workers - sum(in_flight.values())
        free = min(free, self.submits.at_once - len(self.submits))
        if free <= 0:
            return
        waiting = await services.store.read(lambda c: store_attempts.waiting_tasks(c, now_ms, free))
        tasks = services.turns.next_tasks(waiting, in_flight, now_ms, free)
        for attempt in await asyncio.gather(*(_open(services, task, now_ms) for task in tasks)):
            if attempt is not None:
                self.submits.begin((attempt.task_id, attempt.n), self._submit(services, attempt))

    async def _submit(self, services: Services, attempt: OpenedAttempt) -> None:
        full = len(self.submits) == self.submits.at_once
        with structlog.contextvars.bound_contextvars(job_id=attempt.job_id, task_id=attempt.task_id, attempt=attempt.n):
            try:
                await submit(services, attempt)
            except AdapterError as failed:
                log.warning("task.submit_failed", reason=failed.detail)
            except Exception:  # one task's defect must not end all dispatching
                log.exception("task.submit_failed")
        if full:
            services.work_waiting.set()  # others may have been left out for want of a place


async def _open(services: Services, task: Candidate, now_ms: int) -> OpenedAttempt | None:
    """Store the intent to submit a task; None where it ended in the meantime, or can't be opened."""
    settings = services.settings
    try:
        return await services.store.write(
            lambda c: store_attempts.open_attempt(
                c,
                task,
                settings.endpoint_name,
                now_ms,
                least_execution_s=settings.execution_timeout_s,
                price_per_s=settings.worker_price_per_s,
            )
        )
    except AdapterError as failed:
        log.warning("task.open_failed", task_id=task.id, reason=failed.detail)
    except Exception:  # one task's defect must not hold up the others
        log.exception("task.open_failed", task_id=task.id)
    return None


async def submit(services: Services, attempt: OpenedAttempt) -> None:
    """Submit an attempt whose intent is stored; whatever happens to the reply, the attempt's state says it."""
    try:
        attempt = await with_unchanged_inputs(services, attempt)
    except StorageUnavailable as unavailable:
        await _postpone(services, attempt, unavailable)
        return
    try:
        order, left_out = write_order(services, attempt)
    except OperationUnsupported as unsupported:
        await _end_unsubmitted(services, attempt, attempt.items, unsupported)
        return
    if not order.items:
        await _end_unsubmitted(services, attempt, left_out, InputUnavailable())
        return
    if left_out:
        await _fail_items(services, attempt, left_out, InputUnavailable())
    await _submit(services, attempt, order)


async def _submit(services: Services, attempt: OpenedAttempt, order: WorkOrder) -> None:
    task_id, n = attempt.task_id, attempt.n
    token = services.signer.seal("attempt", f"{task_id}/{n}")
    settings = services.settings
    own_url = settings.resolved_internal_url if settings.uses_pool else settings.public_url.rstrip("/")
    hint_url = f"{own_url}/hooks/endpoint/{token}"
    ttl_ms = attempt.terms.deadline_ms - services.clock.now_ms()
    policy = Policy(attempt.terms.execution_timeout_ms, ttl_ms)
    try:
        provider_id = await services.endpoint.run(order.model_dump(mode="json"), hint_url, policy)
    except EndpointUnavailable as unavailable:
        await _postpone(services, attempt, unavailable)
    except EndpointReplyLost as lost:
        await services.store.write(lambda c: store_attempts.mark_unknown(c, task_id, n))
        log.warning("task.submit_unknown", reason=lost.detail)
    except EndpointRefused as refused:
        log.error("task.refused", reason=refused.detail)
        await _end_unsubmitted(services, attempt, attempt.items, SubmitRefused())
    else:
        await keep_or_cancel(services, task_id, n, provider_id)
        log.info("task.submitted", provider_id=provider_id, items=len(order.items))


async def _postpone(services: Services, attempt: OpenedAttempt, unavailable: AdapterError) -> None:
    """Undo an intent whose task has certainly not reached the endpoint, and try again soon."""
    not_before_ms = services.clock.now_ms() + _RETRY_MS
    await services.store.write(lambda c: _withdraw(c, services, attempt, not_before_ms))
    services.changes.announce(attempt.job_id)
    log.warning("task.postponed", reason=unavailable.detail)


def _withdraw(connection: Connection, services: Services, attempt: OpenedAttempt, not_before_ms: int) -> None:
    store_attempts.withdraw_attempt(connection, attempt.task_id, attempt.n, not_before_ms)
    settling.end_waiting_if_cancelled(connection, services.announce, attempt.job_id, services.clock.now_ms())


async def _fail_items(services: Services, attempt: OpenedAttempt, items: list[OrderedItem], error: JobError) -> None:
    ends = [ItemEnd(item.n, item.id, Status.FAILED, ErrorInfo.of(error)) for item in items]
    now_ms = services.clock.now_ms()
    await services.store.write(
        lambda c: settling.commit_items(c, services.announce, attempt.task_id, attempt.n, ends, now_ms)
    )
    services.changes.announce(attempt.job_id)


async def _end_unsubmitted(
    services: Services, attempt: OpenedAttempt, items: Sequence[OrderedItem], error: JobError
) -> None:
    """End an attempt that never reached the endpoint; its items can't be helped by another one."""
    ends = tuple(ItemEnd(item.n, item.id, Status.FAILED, ErrorInfo.of(error)) for item in items)
    facts = settling.AttemptFacts(AttemptEnd.FAILED, services.clock.now_ms())
    await services.store.write(
        lambda c: settling.end_attempt(
            c, services.announce, attempt.task_id, attempt.n, Settlement(ends, retry=False), facts
        )
    )
    services.metrics.attempt_ended(facts.end, None)
    services.changes.announce(attempt.job_id)


async def _expire(services: Services, now_ms: int) -> None:
    expired = await services.store.glance(lambda c: store_attempts.expired_tasks(c, now_ms, _EXPIRED_AT_ONCE))
    if not expired:
        return

    def expire(connection: Connection) -> list[tuple[str, str]]:
        jobs = [(task_id, settling.expire_task(connection, services.announce, task_id, now_ms)) for task_id in expired]
        return [(task_id, job_id) for task_id, job_id in jobs if job_id is not None]

    for task_id, job_id in await services.store.write(expire):
        services.changes.announce(job_id)
        log.warning("task.queue_expired", job_id=job_id, task_id=task_id)
    if len(expired) == _EXPIRED_AT_ONCE:
        services.work_waiting.set()  # there may be more; other writes go between
