"""Every storage adapter at work, behind one small shape."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import pytest
from httpx import AsyncClient, Response

from orchestrator.storage.disk import DiskStorage
from orchestrator.storage.port import Storage
from orchestrator.storage.s3 import Bucket, S3Storage
from shared.clock import Clock, ManualClock, SystemClock
from shared.wire.work_order import UploadGrant
from tests.orchestrator.api.running import PUBLIC_URL, database, running_api
from tests.s3_servers import ACCESS_KEY, BUCKET, RGW_URL, SECRET_KEY, moto_server, rclone_server

__all__ = ["at_work", "database"]


@dataclass(frozen=True)
class StorageAtWork:
    """A storage, the clock it goes by, and a client without any key, as a worker is one."""

    storage: Storage
    clock: Clock
    client: AsyncClient
    public_url: str = "-"
    guarded: bool = True
    """Whether the store checks signatures and their time."""

    def grant(self, key: str, max_bytes: int = 1 << 20, lasts_s: float = 60) -> UploadGrant:
        """Return the right to PUT some text."""
        expires_ms = self.clock.now_ms() + round(lasts_s * 1000)
        return self.storage.grant_upload(key, "text/plain", max_bytes, expires_ms)

    async def put(self, grant: UploadGrant, body: bytes, **headers: str) -> Response:
        """PUT as the grant says."""
        granted = {"content-type": grant.content_type} | {name.lower(): value for name, value in grant.headers.items()}
        sent = granted | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.put(self.reachable(grant.url), content=body, headers=sent)

    async def get(self, key: str, lasts_s: float = 60) -> Response:
        """GET by a fresh read address."""
        url = self.storage.read_url(key, self.clock.now_ms() + round(lasts_s * 1000))
        return await self.client.get(self.reachable(url))

    def reachable(self, url: str) -> str:
        """Return an address as it is served here."""
        return url.removeprefix(self.public_url)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass; where a store goes by the machine's clock, there is no other way than to wait."""
        if isinstance(self.clock, ManualClock):
            self.clock.advance(seconds)
        else:
            await asyncio.sleep(seconds)


@pytest.fixture(scope="session")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve S3 with signatures."""
    with rclone_server(tmp_path_factory.mktemp("rclone")) as url:
        yield url


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve S3 without signatures."""
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture(scope="session")
def rgw() -> str:
    """Return where a production server for S3 listens."""
    if not RGW_URL:
        pytest.skip("REVELA_TEST_RGW names no Ceph RGW; `make test-s3` starts one")
    return RGW_URL


@pytest.fixture(params=["disk", "rclone", "moto", "rgw"])
async def at_work(
    request: pytest.FixtureRequest, tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[StorageAtWork]:
    """Yield each adapter in turn."""
    if request.param == "disk":
        async with running_api(tmp_path, database) as api, AsyncClient(base_url=api.url) as worker:
            disk = DiskStorage(api.folder / "outputs", PUBLIC_URL, api.services.signer, api.clock)
            object.__setattr__(api.services, "storage", disk)  # here is no row that says what is awaited
            yield StorageAtWork(disk, api.clock, worker, PUBLIC_URL)
            await disk.close()
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    bucket = Bucket(BUCKET, f"test/{token_hex(4)}", request.getfixturevalue(request.param), addressing="path")
    storage = S3Storage(bucket, SystemClock())
    async with AsyncClient() as worker:
        yield StorageAtWork(storage, SystemClock(), worker, guarded=request.param != "moto")
    await storage.close()
