"""A server with a receiver beside it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.orchestrator.api.conftest import api
from tests.orchestrator.api.running import database
from tests.orchestrator.webhooks.posting import IMPATIENT, Posting, posting

__all__ = ["api", "database", "impatient", "post"]


@pytest.fixture
async def post(tmp_path: Path, database: Path) -> AsyncIterator[Posting]:
    """Serve both."""
    async with posting(tmp_path, database) as running:
        yield running


@pytest.fixture
async def impatient(tmp_path: Path, database: Path) -> AsyncIterator[Posting]:
    """Serve both; a try is given up soon."""
    async with posting(tmp_path, database, IMPATIENT) as running:
        yield running
