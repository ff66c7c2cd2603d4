"""The endpoint's webhook: noted at once, whatever its body holds, and only with a token of ours."""

from typing import Any

import sqlalchemy as sa

from orchestrator.store import tables
from orchestrator.store.attempts import open_attempt, waiting_tasks
from tests.orchestrator.api.running import Api


async def attempt_of(api: Api) -> tuple[str, str]:
    """Open an attempt of a fresh job; return its task's id and its hook's path."""
    await api.post_job()
    now_ms = api.clock.now_ms()
    [task] = await api.services.store.read(lambda c: waiting_tasks(c, now_ms, 10))
    opened = await api.services.store.write(lambda c: open_attempt(c, task, "fake", now_ms, least_execution_s=60))
    assert opened is not None
    return opened.task_id, f"/hooks/endpoint/{api.services.signer.seal('attempt', f'{opened.task_id}/1')}"


async def provider_id(api: Api) -> Any:
    [row] = await api.rows(sa.select(tables.attempts.c.provider_id))
    return row.provider_id


async def test_a_hint_brings_the_look_forward_and_the_endpoints_id(api: Api) -> None:
    task_id, path = await attempt_of(api)
    answer = await api.client.post(path, json={"id": "fake-1", "status": "COMPLETED", "output": {"id": "not this"}})
    assert (answer.status_code, answer.content) == (200, b"")
    assert (task_id, 1) in api.services.hints
    assert await provider_id(api) == "fake-1"


BODIES = {
    "nothing": b"",
    "half": b"{",
    "deep": b"[" * 50_000,
    "a number": b'{"id": 7}',
    "NUL": b'{"id": "a\\u0000b"}',
    "a surrogate": b'{"id": "\\ud800"}',
    "a way to other addresses": b'{"id": "../purge-queue"}',
    "a query": b'{"id": "a?b"}',
    "too long": b'{"id": "' + b"a" * 129 + b'"}',
    "not UTF-8": b"\xff",
    "20 MB": b"x" * (20 << 20),
}


async def test_any_body_counts_as_a_hint(api: Api) -> None:
    task_id, path = await attempt_of(api)
    for name, body in BODIES.items():
        api.services.hints.discard(task_id, 1)
        assert (await api.client.post(path, content=body)).status_code == 200, name
        assert (task_id, 1) in api.services.hints, name
    assert await provider_id(api) is None


async def test_a_token_that_is_not_ours_is_refused(api: Api) -> None:
    token = api.services.signer.seal("output", "task/1")
    answer = await api.client.post(f"/hooks/endpoint/{token}", json={"id": "fake-1"})
    assert (answer.status_code, answer.json()["code"]) == (403, "signature-invalid")


async def test_a_body_beyond_all_measure_is_cut_off(api: Api) -> None:
    _, path = await attempt_of(api)
    answer = await api.client.post(path, content=b"x" * (33 << 20))
    assert answer.status_code == 413
