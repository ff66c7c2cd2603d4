"""Why no event can appear behind a reader: a job's events are written under the lock of the job's row."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.orchestrator.api.following.test_events import failed
from tests.orchestrator.api.running import Api


@pytest.fixture
def statements(api: Api) -> Iterator[list[str]]:
    """Collect the statements of the store's writer, a savepoint at the begin of each write."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = api.services.store._writer_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    sa.event.listen(engine, "savepoint", lambda _connection, _name: seen.append("SAVEPOINT"))
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)


async def test_whoever_adds_an_event_has_written_the_job_s_row_before(api: Api, statements: list[str]) -> None:
    await api.end_items(str((await api.post_job(2))["id"]), [failed(0, "i0"), failed(1, "i1")])
    job_id = str((await api.post_job(2))["id"])
    await api.end_items(job_id, [failed(0, "i0")])
    await api.client.post(f"/v1/jobs/{job_id}/cancel")
    await api.end_items(job_id, [failed(1, "i1")])
    await api.client.post(f"/v1/jobs/{job_id}/retry")
    written, events = False, 0
    for statement in statements:
        if statement == "SAVEPOINT":
            written = False
        elif statement.startswith(("INSERT INTO jobs ", "UPDATE jobs SET")):
            written = True
        elif statement.startswith("INSERT INTO events"):
            events += 1
            assert written
    assert events >= 9
