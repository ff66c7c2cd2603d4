"""The endpoint's webhook: one POST when a job has ended, two more tries, no signature; a hint, as RunPod's is."""

import asyncio
import json
from dataclasses import dataclass
from functools import partial

import aiohttp
import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection

from orchestrator.pool.options import PoolOptions
from orchestrator.pool.queue import JobQueue
from orchestrator.store.store import Store
from orchestrator.store.tables import pool_jobs

log = structlog.get_logger()

_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class DueWebhook:
    """A webhook whose time has come; `input` is JSON text, `tries` were made before."""

    job_id: str
    url: str
    input: str
    tries: int
    ended_ms: int


class Webhooks:
    """Sends what is due; what was sent and what is left stands in the store, so a restart loses nothing."""

    def __init__(self, store: Store, queue: JobQueue, options: PoolOptions) -> None:
        self._store = store
        self._queue = queue
        self._options = options
        self._session: aiohttp.ClientSession | None = None

    async def tick(self, now_ms: int) -> None:
        """Send every webhook that is due at `now_ms`."""
        due = await self._store.read(partial(find_due, endpoint=self._queue.endpoint, now_ms=now_ms))
        await asyncio.gather(*(self._send(webhook) for webhook in due))

    async def close(self) -> None:
        """Release connections."""
        if self._session is not None:
            await self._session.close()

    async def _send(self, webhook: DueWebhook) -> None:
        delivered = await self._post(webhook)
        tries = webhook.tries + 1
        delays_s = self._options.webhook_delays_s
        state, next_ms = "SENT", None
        if not delivered and tries <= len(delays_s):
            state, next_ms = "WAITING", webhook.ended_ms + round(delays_s[tries - 1] * 1000)
        elif not delivered:
            state = "DROPPED"
            log.warning("endpoint_webhook.dropped", pool_job_id=webhook.job_id, tries=tries)
        await self._store.write(partial(note_try, job_id=webhook.job_id, state=state, tries=tries, next_ms=next_ms))

    async def _post(self, webhook: DueWebhook) -> bool:
        job = await self._queue.find(webhook.job_id)
        if job is None:
            return False
        body = job.status_object() | {"input": json.loads(webhook.input), "webhook": webhook.url}
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._options.webhook_timeout_s)
            self._session = aiohttp.ClientSession(timeout=timeout)
        try:
            async with self._session.post(webhook.url, json=body, allow_redirects=False) as response:
                return response.ok and response.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False


def find_due(connection: Connection, endpoint: str, now_ms: int) -> list[DueWebhook]:
    """Return the webhooks to send now, the longest due first."""
    rows = connection.execute(
        sa.select(
            pool_jobs.c.id, pool_jobs.c.webhook, pool_jobs.c.input, pool_jobs.c.webhook_tries, pool_jobs.c.ended_ms
        )
        .where(
            pool_jobs.c.endpoint == endpoint,
            pool_jobs.c.webhook_state == "WAITING",
            pool_jobs.c.webhook_next_ms <= now_ms,
        )
        .order_by(pool_jobs.c.webhook_next_ms)
        .limit(_AT_ONCE)
    )
    return [DueWebhook(*row) for row in rows]


def note_try(connection: Connection, job_id: str, state: str, tries: int, next_ms: int | None) -> None:
    """Store what became of a try."""
    connection.execute(
        pool_jobs.update()
        .where(pool_jobs.c.id == job_id)
        .values(webhook_state=state, webhook_tries=tries, webhook_next_ms=next_ms)
    )
