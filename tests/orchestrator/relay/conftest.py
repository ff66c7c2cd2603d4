"""The parts of a server without its loops: tests call the ticks and move the clock."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.orchestrator.api.running import database, running_api
from tests.orchestrator.relay.ticking import Ticking

__all__ = ["database", "ticking"]


@pytest.fixture
async def ticking(tmp_path: Path, database: Path) -> AsyncIterator[Ticking]:
    """Serve the API, with an endpoint that works only as it is told."""
    async with running_api(tmp_path, database) as running:
        yield Ticking(running)
