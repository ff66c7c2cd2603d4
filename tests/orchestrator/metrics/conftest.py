"""A server for each test, and one whose loops are moved by hand."""

from collections.abc import AsyncIterator

import httpx
import pytest

from orchestrator.api import metrics
from tests.orchestrator.api.conftest import api
from tests.orchestrator.api.running import Api, database
from tests.orchestrator.metrics.scraping import scrape
from tests.orchestrator.relay.conftest import ticking
from tests.orchestrator.webhooks.conftest import post

__all__ = ["api", "database", "post", "ticking"]


@pytest.fixture(autouse=True)
def _looks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "KEPT_S", -1)


@pytest.fixture
async def admin(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """Ask with an operator's key; the first scrape, from which all is counted, has been."""
    async with api.as_tenant("operator", scopes=["admin"]) as client:
        await scrape(client)
        yield client
