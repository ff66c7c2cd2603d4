"""Joining a pool that is not there yet, that refuses, or that is none."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from orchestrator.pool.options import PoolOptions
from tests.loopback import http_answer, raw_server
from tests.pool.rig import pool_rig
from tests.revela.worker_gate.command import nothing_runs, worker_command
from tests.serving import base_url, loopback_listener

pytestmark = pytest.mark.slow
OPTIONS = PoolOptions(hold_s=1.0)


def folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


async def test_a_wrong_token_a_wrong_path_and_a_web_site_end_it_with_the_reason(tmp_path: Path) -> None:
    async with AsyncExitStack() as running:
        site = await running.enter_async_context(raw_server(http_answer(b"<html>Welcome</html>")))
        rig = running.enter_context(pool_rig(folder(tmp_path, "pool"), OPTIONS))
        token = rig.call(rig.pool.issue_worker("box-1"))
        refused, elsewhere, nowhere = [
            running.enter_context(worker_command(folder(tmp_path, f"{n}"), url, given))
            for n, (url, given) in enumerate(
                [(rig.endpoint_url, "wk_wrong"), (f"{rig.url}/v2/other", token), (site.base_url, token)]
            )
        ]
        for command in (refused, elsewhere, nowhere):
            assert await asyncio.to_thread(command.ended) == 2
            assert command.text().count("\n") == 1
        assert refused.text() == "revela: the pool refused this token; make one with: revela keys worker box-1\n"
        assert "/v2/other is no pool" in elsewhere.text()
        assert "http://HOST:PORT/v2/local" in elsewhere.text()
        assert f"{site.base_url}/v2/local is no pool" in nowhere.text()
        assert site.connections == 1


def test_an_absent_pool_is_waited_for_and_a_token_that_is_replaced_ends_it(tmp_path: Path) -> None:
    data = folder(tmp_path, "pool")
    with pool_rig(data, OPTIONS) as rig:
        token, port = rig.call(rig.pool.issue_worker("box-1")), rig.port
    with worker_command(tmp_path, rig.url, token) as command:
        command.says("pool.away")
        with pool_rig(data, OPTIONS, port=port) as rig:
            command.says(f"joined {rig.endpoint_url} as box-1")
            family = command.family()
            rig.call(rig.pool.issue_worker("box-1"))
            assert command.ended() == 2
        said = command.text()
        assert (said.count("pool.away"), said.count("pool.back")) == (1, 1)
        assert said.endswith("the pool refused this token; make one with: revela keys worker box-1\n")
        assert len(family) >= 3
        nothing_runs(family)


def test_waiting_for_a_pool_ends_at_once_when_told_to(tmp_path: Path) -> None:
    listener = loopback_listener()
    url = base_url(listener)
    listener.close()
    with worker_command(tmp_path, url, "wk_a") as command:
        command.says("pool.away")
        command.process.send_signal(signal.SIGINT)
        assert command.ended(10) == 0
        assert command.text().count("\n") == 1
