"""The API without its loops, a deliverer whose ticks the test makes, and jobs that end when they are told to."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orchestrator.jobs.settle import ItemEnd
from orchestrator.store import tables
from orchestrator.webhooks.deliver import Deliverer, delivering
from orchestrator.webhooks.secrets import secret_state
from orchestrator.webhooks.slots import Bounds
from shared.errors import OperationFailed
from shared.wire.problem import ErrorInfo
from shared.wire.status import Status
from tests.orchestrator.api.running import Api, completed, running_api
from tests.orchestrator.webhooks.receiver import Receiver, receiving
from tests.waiting import until

IMPATIENT = Bounds(timeout_s=0.5)
"""For receivers that hang: no test waits 15 s for one."""


@dataclass
class Posting:
    """A server with a receiver beside it."""

    api: Api
    receiver: Receiver
    deliverer: Deliverer

    async def secret(self, tenant: str = "acme") -> str:
        """Return a tenant's present secret."""
        services = self.api.services
        state = await services.store.read(lambda c: secret_state(c, tenant))
        return state.current(services.signer)

    async def ended_job(self, *statuses: Status, path: str = "/hook", at: Receiver | None = None, **fields: Any) -> str:
        """Hand in a job of so many items (1 that is COMPLETED) and end them so; return its id."""
        statuses = statuses or (Status.COMPLETED,)
        job = await self.api.post_job(len(statuses), webhook=(at or self.receiver).url(path), **fields)
        await self.api.end_items(job["id"], ends_of(job["id"], statuses))
        return str(job["id"])

    async def deliver(self, after_s: float = 0) -> None:
        """Let time pass, then send whatever is due, until nothing is any more."""
        self.api.clock.advance(after_s)
        while True:
            await self.tick()
            if not self.deliverer.under_way:
                return
            await self.landed()

    async def tick(self) -> None:
        """Make one tick."""
        await self.deliverer.tick(self.api.clock.now_ms())

    async def landed(self) -> None:
        """Wait until no try is under way."""
        await until(lambda: not self.deliverer.under_way)

    async def deliveries(self, job_id: str) -> list[dict[str, Any]]:
        """Return a job's deliveries as the API shows them."""
        answer = await self.api.client.get(f"/v1/jobs/{job_id}/deliveries")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return found

    async def only_delivery(self, job_id: str) -> dict[str, Any]:
        """Return the one delivery of a job."""
        [delivery] = await self.deliveries(job_id)
        return delivery

    async def states(self) -> list[str]:
        """Return the state of each event, in event order."""
        query = sa.select(tables.outbox.c.state).order_by(tables.outbox.c.seq)
        return [row.state for row in await self.api.rows(query)]


def ends_of(job_id: str, statuses: Sequence[Status]) -> list[ItemEnd]:
    """Return the end of each item."""
    return [_end(job_id, n, status) for n, status in enumerate(statuses)]


def _end(job_id: str, n: int, status: Status) -> ItemEnd:
    if status is Status.COMPLETED:
        return completed(n, f"i{n}", "text", f"acme/{job_id}/0-1/{n}/echo.txt")
    return ItemEnd(n, f"i{n}", status, ErrorInfo.of(OperationFailed()))


@asynccontextmanager
async def posting(
    folder: Path, database: Path, bounds: Bounds | None = None, **settings: Any
) -> AsyncIterator[Posting]:
    """Serve both; the clock begins at the present, as receivers look at the time."""
    async with receiving() as receiver:
        allowed = {"allow_private_sources": receiver.host_and_port, **settings}
        async with running_api(folder, database, **allowed) as api, delivering(api.services, bounds) as deliverer:
            api.clock.advance(time.time() - api.clock.now_ms() / 1000)
            yield Posting(api, receiver, deliverer)
