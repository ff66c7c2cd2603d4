"""Why no event can appear behind a reader: a job's events are written under the lock of the job's row."""

from typing import Any

import sqlalchemy as sa

from tests.orchestrator.api.following.test_events import failed
from tests.orchestrator.api.running import Api


async def trace(api: Api) -> list[str]:
    """Return what grows by every statement that the store's writer gives to SQLite."""
    seen: list[str] = []

    def begin(connection: sa.Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        raw.set_trace_callback(seen.append)

    await api.services.store.write(begin)
    return seen


async def test_whoever_adds_an_event_has_written_the_job_s_row_before(api: Api) -> None:
    statements = await trace(api)
    await api.end_items(str((await api.post_job(2))["id"]), [failed(0, "i0"), failed(1, "i1")])
    job_id = str((await api.post_job(2))["id"])
    await api.end_items(job_id, [failed(0, "i0")])
    await api.client.post(f"/v1/jobs/{job_id}/cancel")
    await api.end_items(job_id, [failed(1, "i1")])
    await api.client.post(f"/v1/jobs/{job_id}/retry")
    written, events = False, 0
    for statement in statements:
        if statement.startswith("BEGIN"):
            written = False
        elif statement.startswith(("INSERT INTO jobs ", "UPDATE jobs SET")):
            written = True
        elif statement.startswith("INSERT INTO events"):
            events += 1
            assert written
    assert events >= 9
