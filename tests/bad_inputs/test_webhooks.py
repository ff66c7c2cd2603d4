"""B13: addresses that no webhook may be sent to, refused when the job is handed in."""

from pathlib import Path

import pytest

from orchestrator.store import tables
from tests.orchestrator.api.running import PUBLIC_URL, database, running_api

__all__ = ["database"]

ADDRESSES = [
    "http://hooks.example/x",
    "https://10.0.0.5/x",
    "https://[::ffff:10.0.0.5]/x",
    "https://localhost/x",
    "https://hooks.example:25/x",
    "https://user:word@hooks.example/x",
    f"{PUBLIC_URL}/hooks/endpoint/x",
    f"{PUBLIC_URL.upper()}./x",
    f"{PUBLIC_URL}:443/x",
]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_b13_webhook_to_such_an_address_is_refused(tmp_path: Path, database: Path, address: str) -> None:
    async with running_api(tmp_path, database) as api:
        answer = await api.client.post("/v1/jobs", json={"operation": "echo", "input": {}, "webhook": address})
        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/webhook"]
        assert await api.count(tables.jobs) == 0
