"""Every storage adapter at work, behind one small shape."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from httpx import AsyncClient, Response

from orchestrator.storage.port import Storage
from shared.clock import ManualClock
from shared.wire.work_order import UploadGrant
from tests.orchestrator.api.running import PUBLIC_URL, database, running_api

__all__ = ["at_work", "database"]


@dataclass(frozen=True)
class StorageAtWork:
    """A storage, the clock it goes by, and a client without any key, as a worker is one."""

    storage: Storage
    clock: ManualClock
    client: AsyncClient
    public_url: str

    def grant(self, key: str, max_bytes: int = 1 << 20, lasts_s: float = 60) -> UploadGrant:
        """Return the right to PUT some text."""
        expires_ms = self.clock.now_ms() + round(lasts_s * 1000)
        return self.storage.grant_upload(key, "text/plain", max_bytes, expires_ms)

    async def put(self, grant: UploadGrant, body: bytes, **headers: str) -> Response:
        """PUT as the grant says."""
        granted = {name.lower(): value for name, value in grant.headers.items()}
        sent = granted | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.put(self.reachable(grant.url), content=body, headers=sent)

    async def get(self, key: str, lasts_s: float = 60) -> Response:
        """GET by a fresh read address."""
        url = self.storage.read_url(key, self.clock.now_ms() + round(lasts_s * 1000))
        return await self.client.get(self.reachable(url))

    def reachable(self, url: str) -> str:
        """Return an address as it is served here."""
        return url.removeprefix(self.public_url)


@pytest.fixture(params=["disk"])
async def at_work(request: pytest.FixtureRequest, tmp_path: Path, database: Path) -> AsyncIterator[StorageAtWork]:
    """Yield each adapter in turn."""
    assert request.param == "disk"
    async with running_api(tmp_path, database) as api, AsyncClient(base_url=api.url) as worker:
        yield StorageAtWork(api.services.storage, api.clock, worker, PUBLIC_URL)
