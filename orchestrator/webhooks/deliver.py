"""Delivering events: each tick starts what may be sent, and what is under way holds up no tick and no other lane.

Nothing is marked before a try, so a crash in the middle repeats it and loses nothing: receivers know the event by its
id.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.engine import Connection

from orchestrator.services import Services
from orchestrator.webhooks.choose import Chosen, choose
from orchestrator.webhooks.lanes import DueEvent, DueLane, rearm
from orchestrator.webhooks.send import send
from orchestrator.webhooks.slots import Bounds, ProvenHosts, Slots
from orchestrator.webhooks.tries import Try, record_try
from shared.errors import AdapterError
from shared.fetch_guard import GuardedSession, guarded_session
from shared.ids import new_try_id
from shared.network.resolver import ThreadsResolver
from shared.wire.webhook import EventState

_GRACE_S = 2.0
"""How long tries under way may take to end when the server stops; later they are broken off, and made again."""
_AFTER_FAULT_S = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Flight:
    tenant: str
    doubtful: bool
    task: "asyncio.Task[None]"


class Deliverer:
    """Sends what waits in the outbox: one event at a time to each address, addresses independent of each other."""

    def __init__(self, services: Services, client: GuardedSession, bounds: Bounds | None = None) -> None:
        self._services = services
        self._client = client
        self._bounds = bounds or Bounds()
        self._flights: dict[str, _Flight] = {}
        self._hosts = ProvenHosts()

    @property
    def under_way(self) -> int:
        """How many tries are being made."""
        return len(self._flights)

    async def tick(self, now_ms: int) -> None:
        """Start whatever may be sent at `now_ms`; what is under way goes on beside it."""
        store = self._services.store
        # Who writes an event wakes this loop before the commit; a write that waits in line behind it comes after it.
        await store.write(_nothing)
        slots = Slots.taken_by(self._bounds, ((flight.tenant, flight.doubtful) for flight in self._flights.values()))
        busy, proven = tuple(self._flights), self._hosts.known()
        choice = await store.read(partial(choose, now_ms=now_ms, slots=slots, busy=busy, proven=proven))
        for idle in choice.idle:
            await store.write(partial(_rearm, idle=idle))
        for chosen in choice.chosen:
            task = asyncio.create_task(self._deliver(chosen))
            self._flights[chosen.event.lane] = _Flight(chosen.event.tenant, chosen.doubtful, task)

    async def close(self) -> None:
        """Give tries under way a moment to end, then break them off."""
        tasks = [flight.task for flight in self._flights.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _deliver(self, chosen: Chosen) -> None:
        event = chosen.event
        with structlog.contextvars.bound_contextvars(job_id=event.job_id, tenant=event.tenant, event_id=event.id):
            try:
                made = await self._send(chosen)
                self._hosts.learn(event.tenant, event.host, prompt=made.prompt)
                await self._record(chosen, made)
            except Exception:  # a defect must not end all delivering; its event waits, and is tried again
                log.exception("webhook.try_failed_unexpectedly")
                await asyncio.sleep(_AFTER_FAULT_S)
            finally:
                del self._flights[event.lane]
                self._services.webhook_written.event.set()

    async def _send(self, chosen: Chosen) -> Try:
        services = self._services
        now_ms = services.clock.now_ms()
        return await send(
            self._client,
            chosen.event,
            chosen.secrets.signing(services.signer, now_ms),
            try_id=new_try_id(services.clock),
            now_ms=now_ms,
            timeout_s=self._bounds.timeout_s,
            allow_private=services.settings.private_sources,
        )

    async def _record(self, chosen: Chosen, made: Try) -> None:
        event, now_ms, chance = chosen.event, self._services.clock.now_ms(), random.random()  # noqa: S311 - spreads tries
        while True:
            try:
                state = await self._services.store.write(lambda c: record_try(c, event, made, now_ms, chance))
                break
            except AdapterError as failed:
                # The lane stays taken: an event that was sent and can't be marked would be sent over and over.
                log.warning("webhook.try_unrecorded", reason=failed.detail)
                await asyncio.sleep(_AFTER_FAULT_S)
        if state is not None:
            self._tell(chosen.event, made, state)

    def _tell(self, event: DueEvent, made: Try, state: EventState) -> None:
        self._services.metrics.webhook_tried(state)
        facts = {"type": event.type, "http_status": made.http_status, "duration_ms": made.duration_ms}
        match state:
            case EventState.DELIVERED:
                log.info("webhook.delivered", **facts)
            case EventState.WAITING:
                log.info("webhook.try_failed", **facts, reason=made.error)
            case EventState.FAILED:
                log.warning("webhook.given_up", **facts, reason=made.error)
            case EventState.DISABLED:
                log.warning("webhook.address_disabled", **facts)


@asynccontextmanager
async def delivering(services: Services, bounds: Bounds | None = None) -> AsyncIterator[Deliverer]:
    """Open what delivering needs, and end it in order."""
    bounds = bounds or Bounds()
    resolver = ThreadsResolver(2 * bounds.in_all)  # a look-up that hangs outlives its try
    async with guarded_session(services.settings.private_sources, resolver) as client:
        deliverer = Deliverer(services, client, bounds)
        try:
            yield deliverer
        finally:
            await deliverer.close()


def _nothing(connection: Connection) -> None:
    """Stand in the writer's line."""


def _rearm(connection: Connection, idle: DueLane) -> None:
    rearm(connection, idle.lane, idle.tenant, idle.url)
