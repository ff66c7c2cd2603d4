"""Running an ended job once more, and emptying the queue, as RunPod does."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import runpod

from tests.pool.rig import CLIENT_KEY, ENDPOINT, Rig, pool_rig, until
from tests.pool.worker_client import WorkerClient, enrolled


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with pool_rig(tmp_path) as running:
        yield running


@pytest.fixture
def worker(rig: Rig) -> Iterator[WorkerClient]:
    with enrolled(rig, "worker") as client:
        yield client


def test_a_failed_job_runs_again_under_its_id_and_its_output_is_gone(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({"x": 1})
    worker.take()
    worker.done(job_id, {"output": {"half": 1}, "error": "no"})
    assert rig.client.post(f"retry/{job_id}").json() == {"id": job_id, "status": "IN_QUEUE"}
    assert rig.status(job_id) == {"id": job_id, "status": "IN_QUEUE"}
    assert rig.client.post(f"retry/{job_id}").status_code == 200  # asked again while it waits: nothing changes
    assert worker.take() == {"id": job_id, "input": {"x": 1}}
    worker.done(job_id, {"output": 7})
    done = rig.status(job_id)
    assert (done["status"], done["output"], done.get("error")) == ("COMPLETED", 7, None)


def test_a_job_that_timed_out_runs_again_and_counts_its_delay_from_then(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({}, policy={"executionTimeout": 5000})
    worker.take()
    rig.clock.shift_s += 6
    assert rig.until(job_id)["status"] == "TIMED_OUT"
    assert rig.client.post(f"retry/{job_id}").status_code == 200
    taken = until(worker.take)
    assert taken["id"] == job_id
    worker.done(job_id, {"output": 1})
    assert rig.status(job_id)["status"] == "COMPLETED"
    assert rig.status(job_id)["delayTime"] < 5000


def test_what_can_t_be_retried_says_so(rig: Rig, worker: WorkerClient) -> None:
    completed, cancelled = rig.run(1), rig.run(2, policy={"ttl": 20_000})
    worker.take()
    worker.done(completed, {"output": 1})
    rig.client.post(f"cancel/{cancelled}")
    for job_id, status in ((completed, "COMPLETED"), (cancelled, "CANCELLED")):
        answer = rig.client.post(f"retry/{job_id}")
        assert answer.status_code == 400
        assert status in answer.json()["error"]
        assert rig.status(job_id)["status"] == status
    assert rig.client.post("retry/nothing").status_code == 404
    assert httpx.post(f"{rig.endpoint_url}/retry/{completed}").status_code == 401


def test_a_job_past_its_time_to_live_is_not_retried(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({}, policy={"ttl": 20_000})
    worker.take()
    worker.done(job_id, {"error": "no"})
    rig.clock.shift_s += 21
    assert rig.client.post(f"retry/{job_id}").status_code == 400
    assert rig.status(job_id)["status"] == "FAILED"


def test_purging_removes_what_waits_and_leaves_what_runs(
    rig: Rig, worker: WorkerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runpod, "endpoint_url_base", f"{rig.url}/v2")
    running = rig.run(0)
    worker.take()
    waiting = [rig.run(n) for n in (1, 2)]
    assert runpod.Endpoint(ENDPOINT, CLIENT_KEY).purge_queue() == {"removed": 2, "status": "completed"}
    assert [rig.client.get(f"status/{job_id}").status_code for job_id in waiting] == [404, 404]
    assert rig.status(running)["status"] == "IN_PROGRESS"
    assert runpod.Endpoint(ENDPOINT, CLIENT_KEY).purge_queue() == {"removed": 0, "status": "completed"}
    worker.done(running, {"output": 1})
    assert rig.status(running)["status"] == "COMPLETED"


def test_whoever_waits_for_a_purged_job_hears_of_it_at_once(rig: Rig) -> None:
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(rig.client.post("runsync?wait=20000", json={"input": 1})))
    asking.start()
    until(lambda: rig.client.get("health").json()["jobs"]["inQueue"])
    rig.client.post("purge-queue")
    asking.join(5)
    assert answers[0].status_code == 404
