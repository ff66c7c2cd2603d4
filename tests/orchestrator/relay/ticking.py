"""One tick after another: dispatching and following by hand, with an endpoint whose tasks are set by the test."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from orchestrator.dispatch.window import Window
from orchestrator.relay.follow import Follower
from orchestrator.services import Services
from orchestrator.storage.keys import attempt_prefix, manifest_key, output_key, result_key
from orchestrator.store import tables
from shared.wire.result import ItemResult, Manifest, StoredOutput
from tests.fake_runpod import FakeTask
from tests.orchestrator.api.running import Api


@dataclass
class Ticking:
    """A server that stands still between ticks."""

    api: Api
    window: Window = field(default_factory=Window)
    follower: Follower = field(default_factory=Follower)

    @property
    def services(self) -> Services:
        """The server's parts."""
        return self.api.services

    @property
    def only_task(self) -> FakeTask:
        """The newest task at the endpoint."""
        return list(self.api.runpod.tasks.values())[-1]

    def with_other(self, **parts: Any) -> None:
        """Put other parts in the place of the server's for all later ticks."""
        self.api = dataclasses.replace(self.api, services=dataclasses.replace(self.services, **parts))

    async def dispatch(self) -> None:
        """Let the window tick, and wait for what it submits."""
        await self.window.tick(self.services, self.api.clock.now_ms())
        await self.window.submits.idle()

    async def follow(self, after_s: float = 2) -> None:
        """Let time pass, then look at every attempt."""
        self.api.clock.advance(after_s)
        await self.follower.tick(self.services, self.api.clock.now_ms())
        await self.follower.looks.idle()

    async def submitted(self, items: int = 2, **fields: Any) -> str:
        """Hand in a job of one task and dispatch it; return its id."""
        job_id = str((await self.api.post_job(items, **fields))["id"])
        await self.dispatch()
        return job_id

    async def job(self, job_id: str) -> dict[str, Any]:
        """Read a job."""
        answer = await self.api.client.get(f"/v1/jobs/{job_id}")
        found: dict[str, Any] = answer.json()
        return found

    async def codes(self, job_id: str) -> list[str | None]:
        """Return the error codes of a job's items."""
        return [item["error"] and item["error"]["code"] for item in (await self.job(job_id))["items"]]

    async def attempt_row(self) -> Any:
        """Return the newest attempt."""
        query = sa.select(tables.attempts).order_by(tables.attempts.c.submitted_ms.desc(), tables.attempts.c.n.desc())
        return (await self.api.rows(query))[0]

    async def commit(self, n: int, *, marker: bool = True, **changes: Any) -> ItemResult:
        """Store what a worker stores for the item `i{n}` of the newest attempt; `changes` go into its output."""
        attempt = await self.attempt_row()
        prefix = await self._prefix()
        key = output_key(prefix, n, "echo.txt")
        await self.api.put_object(key, b"abc")
        output = StoredOutput(key=key, content_type="text/plain", size_bytes=3, sha256="0" * 64)
        result = ItemResult(
            task_id=attempt.task_id,
            attempt=attempt.n,
            item_id=f"i{n}",
            status="COMPLETED",
            outputs={"text": output.model_copy(update=changes)},
            operation_version=1,
            engine_version="0",
        )
        if marker:
            await self._put_json(result_key(prefix, n), result.model_dump_json())
        return result

    async def close_with(self, *results: ItemResult, execution_ms: int = 40, gpu: str = "") -> None:
        """Store the manifest that closes the newest attempt."""
        attempt = await self.attempt_row()
        manifest = Manifest(
            task_id=attempt.task_id, attempt=attempt.n, items=list(results), execution_ms=execution_ms, gpu=gpu
        )
        await self._put_json(manifest_key(await self._prefix()), manifest.model_dump_json())

    async def _put_json(self, key: str, text: str) -> None:
        await self.api.put_object(key, text.encode())

    async def _prefix(self) -> str:
        attempt = await self.attempt_row()
        return attempt_prefix(attempt.tenant, attempt.job_id, 0, attempt.n)
