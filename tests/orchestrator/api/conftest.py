"""One migrated database to copy from, and a server for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.store.migrate import upgrade
from tests.orchestrator.api.running import Api, running_api


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated, empty database; not to be written."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
async def api(tmp_path: Path, database: Path) -> AsyncIterator[Api]:
    """Serve the API."""
    async with running_api(tmp_path, database) as running:
        yield running
