"""Kills in the middle of a batch: the job completes, nothing that was committed is done again."""

import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from revela import Client
from shared.wire.job import JobView
from tests.served import Server, is_alive, served, wait_for
from tests.waiting import until_now

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def batch(server: Server, items: int = 6, sleep_s: float = 1.5) -> dict[str, Any]:
    return {
        "operation": "echo",
        "items": [{"id": f"i{n}", "text": f"i{n}"} for n in range(items)],
        "defaults": {"sleep_s": sleep_s, "journal": str(server.journal)},
    }


def assert_whole(client: Client, server: Server, job: JobView, items: int = 6) -> None:
    """Every item is completed, with one output that holds what it should, and one committed file in storage."""
    assert (job.status, job.summary.succeeded) == ("COMPLETED", items)
    outputs = [item.output["text"] for item in job.items]
    assert len({output.url for output in outputs}) == items
    (server.folder / "saved").mkdir()
    for item in job.items:
        saved = client.download(item.output["text"], server.folder / "saved" / item.id)
        assert saved.read_text() == item.id


def test_a_killed_workers_batch_is_finished_by_another(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.client() as client:
        job_id = client.submit(batch(server)).id
        committed = wait_for(client, job_id, 2)
        [first_pid] = server.worker_pids()
        os.kill(first_pid, signal.SIGKILL)
        job = client.wait(job_id)
        assert_whole(client, server, job)
        assert len(server.worker_pids()) == 2
        again = {item for item, count in Counter(server.runs()).items() if count > 1}
        assert again
        assert not again & committed
        assert not is_alive(first_pid)


def test_a_worker_that_is_told_to_end_delivers_its_task(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.client() as client:
        job_id = client.submit(batch(server)).id
        until_now(lambda: len(server.runs()) >= 2, 60)
        [pid] = server.worker_pids()
        os.kill(pid, signal.SIGTERM)
        job = client.wait(job_id)
        assert_whole(client, server, job)
        assert job.attempts == 1
        assert set(Counter(server.runs()).values()) == {1}
        assert server.worker_pids() == [pid]
        until_now(lambda: not is_alive(pid), 30)


def test_a_killed_orchestrator_takes_the_job_up_again(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        with server.client() as client:
            job_id = client.submit(batch(server)).id
            committed = wait_for(client, job_id, 2)
            [first_pid] = server.worker_pids()
            server.kill()
            until_now(lambda: not is_alive(first_pid), 10)
            server.start()
            job = client.wait(job_id)
            assert_whole(client, server, job)
        again = {item for item, count in Counter(server.runs()).items() if count > 1}
        assert not again & committed


def test_an_item_that_kills_every_worker_fails_and_harms_no_other_job(tmp_path: Path) -> None:
    with served(tmp_path, REVELA_MAX_ATTEMPTS="1") as server, server.client() as client:
        poison = client.submit({"operation": "exits_hard", "items": [{"id": "p"}]})
        good = client.submit(batch(server, items=1, sleep_s=0))
        assert client.wait(good.id).status == "COMPLETED"
        job = client.wait(poison.id)
        assert job.status == "FAILED"
        assert [item.error and item.error.code for item in job.items] == ["attempts-exhausted"]
