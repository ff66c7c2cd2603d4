"""A server for each test, on the disk and on a bucket."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import pytest

from orchestrator.storage.s3 import Bucket, S3Storage
from shared.clock import SystemClock
from tests.orchestrator.api.running import Api, database, running_api
from tests.orchestrator.retention.keeping import Keeping
from tests.s3_servers import ACCESS_KEY, BUCKET, SECRET_KEY, rclone_server

__all__ = ["database"]


@pytest.fixture
async def api(tmp_path: Path, database: Path) -> AsyncIterator[Api]:
    """Serve the API."""
    async with running_api(tmp_path, database) as running:
        yield running


@pytest.fixture(scope="session")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve S3 with signatures."""
    with rclone_server(tmp_path_factory.mktemp("rclone")) as url:
        yield url


@pytest.fixture(params=["disk", "rclone"])
async def keeping(request: pytest.FixtureRequest, api: Api, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Keeping]:
    """Yield the server's retention on each kind of storage."""
    if request.param == "disk":
        yield Keeping(api, api.services)
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    bucket = Bucket(BUCKET, f"test/{token_hex(4)}", request.getfixturevalue("rclone"), addressing="path")
    storage = S3Storage(bucket, SystemClock())
    yield Keeping(api, replace(api.services, storage=storage))
    await storage.close()
