"""A job's history: one row for each status and item change, in one sequence."""

from typing import Any, Literal, Protocol

from sqlalchemy.engine import Connection

from orchestrator.store import tables
from shared.wire.status import Status


class Announce(Protocol):
    """Is told of a job's new status, inside the transaction that gives it: what it writes is there with it or not."""

    def __call__(self, connection: Connection, tenant: str, job_id: str, status: Status, at_ms: int) -> None:
        """Write what follows from the change."""
        ...


def add_event(
    connection: Connection, tenant: str, job_id: str, kind: Literal["status", "item"], data: dict[str, Any], at_ms: int
) -> None:
    """Append an event; it becomes visible with the change that it tells of."""
    connection.execute(
        tables.events.insert(), {"tenant": tenant, "job_id": job_id, "type": kind, "data": data, "at_ms": at_ms}
    )
