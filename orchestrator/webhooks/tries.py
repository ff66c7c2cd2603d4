"""What a try has led to: its line in the log, the event's next step, and how its address stands."""

from dataclasses import dataclass
from http import HTTPStatus

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.tables import deliveries, outbox, webhook_targets
from orchestrator.webhooks import schedule
from orchestrator.webhooks.lanes import DueEvent, rearm
from orchestrator.webhooks.slots import PROMPT_MS
from shared.wire.webhook import EventState


@dataclass(frozen=True, slots=True)
class Try:
    """One try and what came of it."""

    id: str
    at_ms: int
    duration_ms: int
    http_status: int | None = None
    """None where no answer came."""
    response: str | None = None
    """The beginning of the answer's body."""
    error: str | None = None
    """Why an answer did not come, or does not count."""
    retry_after_s: float | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver has taken the event: any 2xx, and nothing else."""
        return self.error is None and self.http_status is not None and 200 <= self.http_status < 300

    @property
    def prompt(self) -> bool:
        """Whether an answer came soon, whatever it says: its host holds up nobody."""
        return self.http_status is not None and self.duration_ms <= PROMPT_MS

    @property
    def refused_for_good(self) -> bool:
        """Whether the receiver wants no more events at this address."""
        return self.error is None and self.http_status == HTTPStatus.GONE


def record_try(connection: Connection, event: DueEvent, made: Try, now_ms: int, chance: float) -> EventState | None:
    """Write a try into the log with all that follows from it; return what has become of the event.

    `chance` is random in 0..1. An event that was deleted meanwhile leaves no trace: None.
    """
    row = connection.execute(_EVENT, {"of": event.id}).one_or_none()
    if row is None:
        rearm(connection, event.lane, event.tenant, event.url)
        return None
    connection.execute(
        deliveries.insert(),
        {
            "id": made.id,
            "tenant": event.tenant,
            "outbox_id": event.id,
            "n": row.tries + 1,
            "at_ms": made.at_ms,
            "duration_ms": made.duration_ms,
            "http_status": made.http_status,
            "response": made.response,
            "error": made.error,
        },
    )
    state, next_ms = _verdict(made, row.step + 1, row.round_ms, now_ms, chance)
    connection.execute(
        outbox.update()
        .where(outbox.c.id == event.id)
        .values(state=state, tries=row.tries + 1, step=row.step + 1, next_try_ms=next_ms)
    )
    _change_target(connection, event, made, now_ms)
    rearm(connection, event.lane, event.tenant, event.url)
    return state


def _verdict(made: Try, step: int, round_ms: int, now_ms: int, chance: float) -> tuple[EventState, int | None]:
    if made.delivered:
        return EventState.DELIVERED, None
    if made.refused_for_good:
        return EventState.DISABLED, None
    next_ms = schedule.next_try_ms(step, round_ms, now_ms, made.retry_after_s, chance)
    return (EventState.FAILED if next_ms is None else EventState.WAITING), next_ms


def _change_target(connection: Connection, event: DueEvent, made: Try, now_ms: int) -> None:
    here = webhook_targets.c.lane == event.lane
    if made.delivered:
        # What succeeds enables a disabled address again.
        mended = {"failures": 0, "failing_ms": None, "held_until_ms": 0, "disabled_ms": None}
        connection.execute(webhook_targets.update().where(here).values(mended))
        return
    failures = connection.execute(sa.select(webhook_targets.c.failures).where(here)).scalar() or 0
    changed = {
        "failures": failures + 1,
        "failing_ms": sa.func.coalesce(webhook_targets.c.failing_ms, now_ms),
        "held_until_ms": schedule.held_until_ms(failures + 1, now_ms, made.retry_after_s),
    }
    if made.refused_for_good:
        changed["disabled_ms"] = now_ms
        _disable_waiting(connection, event.lane)
    connection.execute(webhook_targets.update().where(here).values(changed))


def _disable_waiting(connection: Connection, lane: str) -> None:
    connection.execute(
        outbox.update()
        .where(outbox.c.lane == lane, outbox.c.state == EventState.WAITING)
        .values(state=EventState.DISABLED, next_try_ms=None)
    )


_EVENT = sa.select(outbox.c.tries, outbox.c.step, outbox.c.round_ms).where(outbox.c.id == sa.bindparam("of"))
