"""How things stand now: counted in the database, asked of the endpoint, and told as gauges."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy.engine import Connection

from orchestrator.dispatch.port import Endpoint, EndpointHealth
from orchestrator.jobs.states import TaskState
from orchestrator.storage.disk_guard import DiskGuard, DiskUse
from orchestrator.store.attempts import IN_FLIGHT
from orchestrator.store.store import Store
from orchestrator.store.tables import attempts, jobs, outbox, tasks, webhook_targets
from shared.errors import AdapterError
from shared.wire.status import OPEN_STATUSES
from shared.wire.webhook import EventState

_ASK_S = 3.0
"""How long the endpoint's answer is waited for: a scrape has no more than a few seconds."""

_OPEN_JOBS = (
    sa.select(jobs.c.operation, jobs.c.status, sa.func.count())
    .where(jobs.c.status.in_(OPEN_STATUSES))
    .group_by(jobs.c.operation, jobs.c.status)
)
_WAITING_TASKS = sa.select(
    sa.func.count(), sa.func.coalesce(sa.func.sum(tasks.c.items_total), 0), sa.func.min(tasks.c.created_ms)
).where(tasks.c.status == TaskState.WAITING)
_FLYING = sa.select(attempts.c.state, sa.func.count()).where(attempts.c.state.in_(IN_FLIGHT)).group_by(attempts.c.state)
# Lanes with work are few, while the outbox has all that was ever sent: subqueries, so that no planner begins with it.
_WAITING_IN_LANE = (outbox.c.lane == webhook_targets.c.lane) & (outbox.c.state == EventState.WAITING)
_WAITING_WEBHOOKS = sa.select(
    sa.func.coalesce(sa.func.sum(sa.select(sa.func.count()).where(_WAITING_IN_LANE).scalar_subquery()), 0),
    sa.func.min(sa.select(sa.func.min(outbox.c.created_ms)).where(_WAITING_IN_LANE).scalar_subquery()),
).where(webhook_targets.c.next_ms.is_not(None))


@dataclass(frozen=True, slots=True)
class Counted:
    """What the database says; None for the oldest where nothing waits."""

    jobs: list[tuple[str, str, int]]
    """(operation, status, how many) of the jobs that have not ended."""
    tasks_waiting: int
    items_waiting: int
    oldest_task_ms: int | None
    in_flight: dict[str, int]
    webhooks_waiting: int
    oldest_webhook_ms: int | None


@dataclass(frozen=True, slots=True)
class Census:
    """How things stood at `at_ms`; None for what could not be asked."""

    at_ms: int
    counted: Counted | None = None
    endpoint: EndpointHealth | None = None
    writes_waiting: int = 0
    streams: int = 0
    version: str = field(default="")
    disk: DiskUse | None = None
    """None too where the storage is no disk."""
    disk_full: bool = False

    def families(self) -> Iterator[Metric]:
        """Yield every gauge; those of a part that could not be asked have no value."""
        yield _gauge("revela_store_up", "Whether the database could be read", [((), self.counted is not None)])
        yield from self._of_the_queue()
        yield from self._of_the_endpoint()
        yield _gauge("revela_event_streams", "Open event streams", [((), self.streams)])
        yield _gauge("revela_store_writes_waiting", "Writes that wait for the database", [((), self.writes_waiting)])
        yield from self._of_the_disk()
        yield _gauge("revela_build_info", "1, with the version", [((self.version,), 1)], "version")

    def _of_the_queue(self) -> Iterator[Metric]:
        told = self.counted
        yield _gauge(
            "revela_jobs",
            "Jobs that have not ended",
            [((operation, status), jobs) for operation, status, jobs in told.jobs] if told else [],
            "operation",
            "status",
        )
        yield _gauge("revela_tasks_waiting", "Tasks in our own queue", [((), told.tasks_waiting)] if told else [])
        yield _gauge("revela_items_waiting", "Items of those tasks", [((), told.items_waiting)] if told else [])
        yield self._age("revela_task_oldest_waiting_seconds", "Age of the oldest waiting task", "oldest_task_ms")
        yield _gauge(
            "revela_attempts_in_flight",
            "Attempts that are, or may be, at the endpoint",
            [((state,), told.in_flight.get(state, 0)) for state in IN_FLIGHT] if told else [],
            "state",
        )
        yield _gauge(
            "revela_webhook_events_waiting", "Webhooks not delivered yet", [((), told.webhooks_waiting)] if told else []
        )
        yield self._age("revela_webhook_oldest_waiting_seconds", "Age of the oldest of them", "oldest_webhook_ms")

    def _of_the_endpoint(self) -> Iterator[Metric]:
        told = self.endpoint
        yield _gauge("revela_endpoint_up", "Whether the endpoint answered", [((), told is not None)])
        workers = [((state,), count) for state, count in told.workers.items()] if told else []
        yield _gauge("revela_endpoint_workers", "The endpoint's workers, as it counts them", workers, "state")

    def _of_the_disk(self) -> Iterator[Metric]:
        told = self.disk
        for name, said, size_bytes in (
            ("revela_disk_used_bytes", "Used of the storage's disk", told.used_bytes if told else 0),
            ("revela_disk_free_bytes", "Free on the storage's disk", told.free_bytes if told else 0),
        ):
            yield _gauge(name, said, [((), size_bytes)] if told else [])
        yield _gauge("revela_disk_full", "Whether new jobs and uploads are refused", [((), self.disk_full)])

    def _age(self, name: str, told: str, oldest: str) -> Metric:
        if self.counted is None:
            return _gauge(name, told, [])
        since_ms = getattr(self.counted, oldest)
        return _gauge(name, told, [((), 0 if since_ms is None else max(0, self.at_ms - since_ms) / 1000)])


def _gauge(name: str, told: str, values: Sequence[tuple[tuple[str, ...], float]], *labels: str) -> Metric:
    family = GaugeMetricFamily(name, told, labels=labels)
    for labelled, value in values:
        family.add_metric(labelled, float(value))
    return family


def count(connection: Connection) -> Counted:
    """Count what has not ended yet; history is not looked at."""
    tasks_waiting, items_waiting, oldest_task_ms = connection.execute(_WAITING_TASKS).one()
    webhooks_waiting, oldest_webhook_ms = connection.execute(_WAITING_WEBHOOKS).one()
    return Counted(
        jobs=[(row[0], row[1], row[2]) for row in connection.execute(_OPEN_JOBS)],
        tasks_waiting=tasks_waiting,
        items_waiting=items_waiting,
        oldest_task_ms=oldest_task_ms,
        in_flight={row[0]: row[1] for row in connection.execute(_FLYING)},
        webhooks_waiting=webhooks_waiting,
        oldest_webhook_ms=oldest_webhook_ms,
    )


async def take_census(
    store: Store, endpoint: Endpoint, now_ms: int, streams: int, version: str, guard: DiskGuard
) -> Census:
    """Ask the database and the endpoint, side by side; a part that fails is left out."""
    counted, health = await asyncio.gather(_counted(store), _health(endpoint))
    return Census(now_ms, counted, health, store.writes_waiting, streams, version, guard.use(), guard.is_full())


async def _counted(store: Store) -> Counted | None:
    try:
        return await store.read(count)
    except AdapterError:
        return None


async def _health(endpoint: Endpoint) -> EndpointHealth | None:
    try:
        async with asyncio.timeout(_ASK_S):
            return await endpoint.health()
    except (AdapterError, TimeoutError):
        return None
