"""Writing a webhook's event into the outbox, in the transaction that it tells of."""

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from orchestrator.views import Links
from shared.wire.status import Status


@dataclass(frozen=True, slots=True)
class Outbox:
    """Composes events; `links` makes the addresses that they carry."""

    links: Links

    def announce(self, connection: Connection, tenant: str, job_id: str, status: Status, at_ms: int) -> None:
        """Write the event of a job's new status, if its webhook wants it."""
