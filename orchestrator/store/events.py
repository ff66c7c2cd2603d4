"""A job's history: one row for each status and item change, in one sequence."""

from typing import Any, Literal

from sqlalchemy.engine import Connection

from orchestrator.store import tables


def add_event(
    connection: Connection, tenant: str, job_id: str, kind: Literal["status", "item"], data: dict[str, Any], at_ms: int
) -> None:
    """Append an event; it becomes visible with the change that it tells of."""
    connection.execute(
        tables.events.insert(), {"tenant": tenant, "job_id": job_id, "type": kind, "data": data, "at_ms": at_ms}
    )
