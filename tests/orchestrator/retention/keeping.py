"""Jobs with files, the ticks of retention, and a storage that ends the server in the middle of them."""

from dataclasses import dataclass
from typing import Any

import httpx

from orchestrator.retention import expire, purge
from orchestrator.services import Services
from orchestrator.storage.port import Storage
from tests.orchestrator.api.running import Api, completed, path_of

FILES = ("0-1/0/echo.txt", "0-1/0/result.json", "0-1/manifest.json", "0-2/0/echo.txt")
"""What a job of one item left, by two attempts of which the second one counts."""


class Killed(BaseException):
    """The server ends here."""


@dataclass(frozen=True)
class Keeping:
    """A server, and its services with the storage that a test is about."""

    api: Api
    services: Services

    async def ended_job(self, **fields: Any) -> str:
        """Return a job that has ended with files in the storage."""
        job_id = str((await self.api.post_job(**fields))["id"])
        for name in FILES:
            await self.put(f"acme/{job_id}/{name}", name.encode())
        ends = [completed(0, "i0", "text", f"acme/{job_id}/{FILES[-1]}", len(FILES[-1]))]
        await self.api.end_items(job_id, ends)
        return job_id

    async def put(self, key: str, body: bytes = b"x") -> None:
        """Upload as a worker does."""
        grant = self.services.storage.grant_upload(key, "text/plain", 1 << 20, self.api.clock.now_ms() + 60_000)
        headers = {"content-type": "text/plain", **grant.headers}
        url = f"{self.api.url}{path_of(grant.url)}" if grant.url.startswith("https://media.example") else grant.url
        async with httpx.AsyncClient() as worker:
            answer = await worker.put(url, content=body, headers=headers)
        assert answer.status_code == 200, answer.text

    async def sweep(self, services: Services | None = None) -> None:
        """Let retention tick once, as its loops do."""
        services = services or self.services
        await expire.tick(services, self.api.clock.now_ms())
        await purge.tick(services, self.api.clock.now_ms())

    async def left(self, job_id: str) -> list[str]:
        """Return which of a job's files are there."""
        storage = self.services.storage
        return [name for name in FILES if await storage.head(f"acme/{job_id}/{name}") is not None]

    async def job(self, job_id: str) -> dict[str, Any]:
        """Read a job."""
        answer = await self.api.client.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def link(self, job_id: str) -> str:
        """Return the path of the link to a job's output."""
        return path_of((await self.job(job_id))["items"][0]["output"]["text"]["url"])

    async def link_answers(self, job_id: str) -> tuple[int, str | None]:
        """Follow the link to a job's output: the status, and the code of a refusal."""
        answer = await self.api.client.get(await self.link(job_id))
        return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else None

    async def audit(self) -> list[tuple[str, str, str]]:
        """Return the log without the keys that tests make, oldest first: actor, action, subject."""
        async with self.api.as_tenant("acme", ["admin"]) as admin:
            told = (await admin.get("/v1/audit", params={"limit": 500})).json()["entries"]
        return [
            (entry["actor"], entry["action"], entry["subject"])
            for entry in reversed(told)
            if entry["action"] != "key.created"
        ]


class Cutting:
    """A storage, but the server ends before or after it has deleted."""

    def __init__(self, storage: Storage, *, before: bool) -> None:
        self._storage = storage
        self._before = before

    async def delete_under(self, prefix: str) -> int:
        """Delete, and end."""
        if not self._before:
            await self._storage.delete_under(prefix)
        raise Killed
