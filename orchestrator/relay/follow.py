"""Following every attempt at the endpoint: poll its status, pass its progress on, conclude it when it ends."""

import random
from dataclasses import dataclass, field
from functools import partial

import structlog
from pydantic import ValidationError

from orchestrator.dispatch.port import EndpointStatus, EndpointTask
from orchestrator.jobs.settle import OpenItem, is_final, item_end
from orchestrator.jobs.states import AttemptEnd, AttemptState
from orchestrator.loops.beside import Beside
from orchestrator.relay.collect import read_manifest, read_results, verified
from orchestrator.relay.conclude import conclude
from orchestrator.services import Services
from orchestrator.store import settling
from orchestrator.store.settling import FlyingAttempt
from shared.errors import AdapterError, EndpointForgot
from shared.wire.progress import ProgressSnapshot

_POLLS_AT_ONCE = 16
_POLLS_PER_S = 100
"""RunPod takes 200 status reads a second; half of them are left to others."""
_MAX_INTERVAL_S = 30
_FRESH_MS = 10_000
_SLACK_MS = 30_000
_SUBMIT_MS = 300_000
"""Longer than a submit with all its tries can take; one that is still under way then has broken off."""

log = structlog.get_logger()


@dataclass
class Follower:
    """When each attempt is looked at next, and which of its items were committed early."""

    looks: Beside = field(default_factory=lambda: Beside(_POLLS_AT_ONCE))
    """The looks under way, by task and attempt."""
    _next_look_ms: dict[tuple[str, int], int] = field(default_factory=dict)
    _committed: dict[tuple[str, int], set[str]] = field(default_factory=dict)

    async def tick(self, services: Services, now_ms: int) -> None:
        """Begin a look at every attempt whose time has come or that a hint named; one that hangs holds up no other."""
        flying = await services.store.read(settling.attempts_in_flight)
        self._forget_ended(services, flying)
        interval_ms = round(1000 * min(max(len(flying) / _POLLS_PER_S, 1), _MAX_INTERVAL_S))
        for attempt in flying:
            key = (attempt.task_id, attempt.n)
            if key not in self.looks and self._is_due(services, attempt, now_ms):
                self._next_look_ms[key] = now_ms + round(interval_ms * random.uniform(0.8, 1.1))  # noqa: S311
                self.looks.begin(key, self._look(services, attempt))

    def _is_due(self, services: Services, attempt: FlyingAttempt, now_ms: int) -> bool:
        key = (attempt.task_id, attempt.n)
        wait_ms = self._next_look_ms.get(key, 0) - now_ms
        # A longer wait than was ever planned means that the clock was set back.
        in_time = 0 < wait_ms <= 2000 * _MAX_INTERVAL_S
        return not in_time or (attempt.provider_id is not None and key in services.hints)

    def _forget_ended(self, services: Services, flying: list[FlyingAttempt]) -> None:
        alive = {(attempt.task_id, attempt.n) for attempt in flying}
        services.hints.retain(alive)
        for memory in (self._next_look_ms, self._committed):
            for key in memory.keys() - alive:
                del memory[key]

    async def _look(self, services: Services, attempt: FlyingAttempt) -> None:
        key = (attempt.task_id, attempt.n)
        with structlog.contextvars.bound_contextvars(job_id=attempt.job_id, task_id=key[0], attempt=key[1]):
            try:
                if attempt.provider_id is None or attempt.endpoint != services.settings.endpoint_name:
                    await self._look_in_storage(services, attempt)
                    return
                services.hints.discard(*key)
                await self._look_at_endpoint(services, attempt, attempt.provider_id)
            except AdapterError as failed:
                log.warning("attempt.look_failed", reason=failed.detail)
            except Exception:  # one attempt's defect must not end all following
                log.exception("attempt.look_failed")
            if key in services.hints:
                services.hints.arrived.set()  # it came during this look, which may have seen what was before it

    async def _look_in_storage(self, services: Services, attempt: FlyingAttempt) -> None:
        """Wait for a hint or a manifest where no endpoint can be asked: a lost submit, another endpoint set since.

        When the time is over, a new attempt goes out under a higher number.
        """
        waited_ms = services.clock.now_ms() - attempt.submitted_ms
        if attempt.state is AttemptState.SUBMITTING and waited_ms <= _SUBMIT_MS:
            return
        if await read_manifest(services, attempt) is not None:
            await conclude(services, attempt, AttemptEnd.COMPLETED)
        elif attempt.cancelled or waited_ms > services.settings.unknown_submit_s * 1000:
            await conclude(services, attempt, AttemptEnd.LOST)

    async def _look_at_endpoint(self, services: Services, attempt: FlyingAttempt, provider_id: str) -> None:
        overdue = _overdue(attempt, services.clock.now_ms())
        try:
            task = await services.endpoint.status(provider_id)
        except EndpointForgot:
            await self._settle_forgotten(services, attempt)
            return
        except AdapterError:
            if overdue is not AttemptEnd.LOST:
                raise
            await conclude(services, attempt, AttemptEnd.LOST)
            return
        if attempt.cancelled and not task.status.terminal:
            # Until the endpoint says that it has stopped, every look asks for it again.
            await services.endpoint.cancel(provider_id)
            task = await services.endpoint.status(provider_id)
        if task.status is EndpointStatus.CANCELLED and overdue is not None:
            await conclude(services, attempt, overdue)  # we did it, and were interrupted then
        elif task.status.terminal:
            await conclude(services, attempt, AttemptEnd(task.status), task)
        elif overdue is AttemptEnd.LOST or (overdue is not None and task.status is EndpointStatus.IN_QUEUE):
            await self._give_up(services, attempt, provider_id, overdue)
        elif task.status is EndpointStatus.IN_PROGRESS:
            await self._relay_progress(services, attempt, task)

    async def _give_up(self, services: Services, attempt: FlyingAttempt, provider_id: str, end: AttemptEnd) -> None:
        try:
            await services.endpoint.cancel(provider_id)
        except AdapterError:
            if end is not AttemptEnd.LOST:
                raise  # past its deadline the endpoint drops it by itself; before that, only a cancel stops it
        await conclude(services, attempt, end)

    async def _settle_forgotten(self, services: Services, attempt: FlyingAttempt) -> None:
        """Complete from the manifest; without one, a fresh task may merely not be known yet."""
        if await read_manifest(services, attempt) is not None:
            await conclude(services, attempt, AttemptEnd.COMPLETED)
        elif services.clock.now_ms() - attempt.submitted_ms > _FRESH_MS:
            await conclude(services, attempt, AttemptEnd.LOST)

    async def _relay_progress(self, services: Services, attempt: FlyingAttempt, task: EndpointTask) -> None:
        now_ms = services.clock.now_ms()
        if await services.store.write(
            partial(
                settling.mark_running, announce=services.announce, attempt=attempt, worker=task.worker, now_ms=now_ms
            )
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
        still_open = await services.store.glance(lambda c: settling.open_items(c, attempt.task_id))
        items = [item for item in still_open if item.id in reported - known]
        believed = await verified(services, attempt, items, await read_results(services, attempt, items))
        ends = [
            item_end(OpenItem(item.n, item.id), result, believed.etags)
            for item in items
            if (result := believed.results.get(item.id)) is not None and is_final(result)
        ]
        if len(ends) == len(still_open):
            ends = ends[:-1]  # the task's end closes it: a job that had ended by then would change once more
        now_ms = services.clock.now_ms()
        if await services.store.write(
            lambda c: settling.commit_items(c, services.announce, attempt.task_id, attempt.n, ends, now_ms)
        ):
            services.changes.announce(attempt.job_id)
        known |= reported


def _overdue(attempt: FlyingAttempt, now_ms: int) -> AttemptEnd | None:
    """Return how an attempt has to end because of the time, if it has to: in all, or until a worker takes it."""
    if now_ms > attempt.deadline_ms + _SLACK_MS:
        return AttemptEnd.LOST
    begun = attempt.state is AttemptState.RUNNING
    if not begun and now_ms > max(attempt.queue_deadline_ms, attempt.submitted_ms + _SLACK_MS):
        return AttemptEnd.EXPIRED
    return None
