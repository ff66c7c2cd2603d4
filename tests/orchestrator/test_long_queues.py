"""Whole jobs whose grants end before they are used, and whose files nobody could count: what the worker asks for."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fake_runpod import FakeRunPod
from tests.orchestrator.system import orchestrator, task_runner

Execute = Callable[[dict[str, Any], Callable[[Any], None]], Any]


def after_the_grants_ended(execute: Execute) -> Execute:
    """Run an order only once its addresses no longer work."""

    async def late(task_input: dict[str, Any], progress: Callable[[Any], None]) -> Any:
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.get(task_input["items"][0]["committed_url"]) as answer:
                    if answer.status == 410:
                        break
                await asyncio.sleep(0.05)
        return await execute(task_input, progress)

    return late


@pytest.mark.slow
async def test_order_whose_addresses_ended_before_it_ran_is_done_all_the_same(tmp_path: Path) -> None:
    runpod = FakeRunPod(after_the_grants_ended(task_runner(tmp_path)))
    async with orchestrator(tmp_path / "server", runpod, grant_ttl_s=1) as system:
        first = await system.ended(await system.submit([{"id": "a", "text": "one"}]))
        assert first["status"] == "COMPLETED"
        source = f"output://{first['id']}/a/text"
        job = await system.ended(
            await system.submit([{"id": "b", "text": "two-", "image": source}, {"id": "c", "text": "three"}])
        )
        assert job["status"] == "COMPLETED"
        assert [await system.text(item) for item in job["items"]] == ["two-one", "three"]
        assert (job["attempts"], len(runpod.executions)) == (1, 2)


@pytest.mark.slow
async def test_files_that_only_the_run_can_count_become_outputs_with_links(tmp_path: Path) -> None:
    async with orchestrator(tmp_path / "server", FakeRunPod(task_runner(tmp_path))) as system:
        items = [{"id": "many", "count": 600}, {"id": "none", "count": 0}, {"id": "too-many", "count": 601}]
        job = await system.ended(await system.submit(items, "pieces"))
        many, none, too_many = job["items"]
        assert set(many["output"]) == {"text", *(f"piece_{n:05d}" for n in range(600))}
        assert list(none["output"]) == ["text"]
        assert too_many["error"]["code"] == "output-too-large"
        async with system.http.get(many["output"]["piece_00599"]["url"]) as response:
            assert await response.read() == b"piece 599"
        assert (await system.text(many)).splitlines()[7] == "piece-00007.bin"


@pytest.mark.slow
async def test_worker_that_needs_nothing_asks_for_nothing(tmp_path: Path) -> None:
    asked: list[str] = []
    runner = task_runner(tmp_path)

    async def listening(task_input: dict[str, Any], progress: Callable[[Any], None]) -> Any:
        assert task_input["grants_url"].endswith("/worker/grants")
        return await runner({**task_input, "grants_url": f"http://127.0.0.1:{port}/"}, progress)

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append("something")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with orchestrator(tmp_path / "server", FakeRunPod(listening)) as system, server:
        job = await system.ended(await system.submit([{"id": "a", "text": "one"}]))
    assert (job["status"], asked) == ("COMPLETED", [])
