"""A running API for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.orchestrator.api.running import Api, database, running_api

__all__ = ["api", "database"]


@pytest.fixture
async def api(tmp_path: Path, database: Path) -> AsyncIterator[Api]:
    """Serve the API."""
    async with running_api(tmp_path, database) as running:
        yield running
