"""What clients of the pool see, before any worker comes: RunPod's answers, refusals and times."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from orchestrator.pool.options import MAX_RUN_BYTES
from shared.refusals import InvalidRequest
from tests.pool.rig import CLIENT_KEY, QUICK, Rig, pool_rig, until
from tests.pool.worker_client import WorkerClient, enrolled


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pool_rig(tmp_path_factory.mktemp("pool"), replace(QUICK, hold_s=0.4)) as running:
        yield running


@pytest.fixture
def worker(rig: Rig) -> Iterator[WorkerClient]:
    drain(rig)
    with enrolled(rig, f"worker-{time.monotonic_ns()}") as client:
        yield client


def drain(rig: Rig) -> None:
    """Cancel what an earlier test left in the queue."""
    for row in rig.rows("SELECT id FROM pool_jobs WHERE ended_ms IS NULL"):
        rig.client.post(f"cancel/{row[0]}")


@pytest.mark.parametrize("header", [f"Bearer {CLIENT_KEY}", CLIENT_KEY])
def test_the_key_is_taken_with_and_without_bearer(rig: Rig, header: str) -> None:
    assert rig.client.get("health", headers={"authorization": header}).status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nobody", "client-key", f"Basic {CLIENT_KEY}"])
def test_a_wrong_key_is_refused(rig: Rig, header: str) -> None:
    answers = [
        httpx.post(f"{rig.endpoint_url}/run", json={"input": {}}, headers={"authorization": header}),
        httpx.get(f"{rig.endpoint_url}/status/x", headers={"authorization": header}),
        httpx.get(f"{rig.endpoint_url}/health", headers={"authorization": header}),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]


def test_an_unknown_endpoint_and_an_unknown_job_are_404(rig: Rig) -> None:
    assert httpx.get(f"{rig.url}/v2/other/health", headers={"authorization": CLIENT_KEY}).status_code == 404
    assert rig.client.get("status/nothing").status_code == 404
    assert rig.client.post("cancel/nothing").status_code == 404


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"[]", ""),
        (b'{"webhook": "https://example.com"}', "input"),
        (b'{"input": NaN}', "not JSON"),
        (b'{"input": {}, "webhook": "ftp://example.com/x"}', "webhook"),
        (b'{"input": {}, "webhook": "https:///x"}', "webhook"),
        (b'{"input": {}, "policy": {"executionTimeout": 4999}}', "executionTimeout"),
        (b'{"input": {}, "policy": {"ttl": 9999}}', "ttl"),
        (b'{"input": {}, "policy": {"ttl": "soon"}}', "ttl"),
        (b"[" * 200_000, "not JSON"),
    ],
)
def test_a_bad_body_is_400_and_nothing_is_stored(rig: Rig, body: bytes, says: str) -> None:
    before = rig.client.get("health").json()["jobs"]
    answer = rig.client.post("run", content=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert rig.client.get("health").json()["jobs"] == before


def test_a_body_over_the_limit_is_413(rig: Rig) -> None:
    text = "x" * MAX_RUN_BYTES
    assert rig.client.post("run", content=json.dumps({"input": {"text": text}})).status_code == 413
    assert rig.client.post("run", content=json.dumps({"input": text[:-100]})).status_code == 200


def test_a_waiting_job_shows_only_that_it_waits_by_get_and_by_post(rig: Rig) -> None:
    job_id = rig.run({"x": 1})
    assert rig.status(job_id) == {"id": job_id, "status": "IN_QUEUE"}
    assert rig.client.post(f"status/{job_id}").json() == {"id": job_id, "status": "IN_QUEUE"}


def test_cancel_ends_a_waiting_job_and_is_idempotent(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({"x": 1})
    for _ in range(2):
        assert rig.client.post(f"cancel/{job_id}").json() == {"id": job_id, "status": "CANCELLED"}
    assert rig.status(job_id)["status"] == "CANCELLED"
    assert worker.take() is None


def test_cancel_of_an_ended_job_changes_nothing(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({"x": 1})
    worker.take()
    worker.done(job_id, {"output": 7})
    assert rig.client.post(f"cancel/{job_id}").json() == {"id": job_id, "status": "COMPLETED"}
    assert rig.status(job_id)["output"] == 7


def test_runsync_gives_the_whole_job_or_its_id_when_the_wait_is_over(rig: Rig, worker: WorkerClient) -> None:
    unfinished = rig.client.post("runsync?wait=1000", json={"input": 1}).json()
    assert unfinished == {"id": unfinished["id"], "status": "IN_QUEUE"}
    assert worker.take() == {"id": unfinished["id"], "input": 1}
    worker.done(unfinished["id"], {"output": None})
    answers: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(rig.client.post("runsync", json={"input": "go"})))
    waiting.start()
    taken = until(worker.take)
    worker.done(taken["id"], {"output": {"a": [1, "é"]}})
    waiting.join(5)
    body = answers[0].json()
    assert (body["status"], body["output"], body["workerId"]) == ("COMPLETED", {"a": [1, "é"]}, worker.id)
    assert answers[0].elapsed.total_seconds() < 2


@pytest.mark.parametrize("wait", ["0", "999", "300001", "soon", "-5"])
def test_a_wait_that_runpod_does_not_take_is_400(rig: Rig, wait: str) -> None:
    assert rig.client.post(f"runsync?wait={wait}", json={"input": 1}).status_code == 400


@pytest.mark.parametrize(
    ("post", "status", "output", "error"),
    [
        ({"output": {"a": 1}}, "COMPLETED", {"a": 1}, None),
        ({"output": None}, "COMPLETED", None, None),
        ({}, "COMPLETED", "absent", None),
        ({"output": {"detail": 1}, "error": "soft"}, "FAILED", {"detail": 1}, "soft"),
        ({"error": {"code": 3}}, "FAILED", "absent", '{"code": 3}'),
        ([1], "FAILED", "absent", "the worker's result is not a JSON object"),
    ],
)
def test_what_a_worker_posts_becomes_the_status_object(
    rig: Rig, worker: WorkerClient, post: object, status: str, output: object, error: str | None
) -> None:
    job_id = rig.run({})
    worker.take()
    worker.done(job_id, post)
    body = rig.status(job_id)
    assert (body["status"], body.get("output", "absent"), body.get("error")) == (status, output, error)


def test_time_to_live_is_hard_and_an_unfinished_job_is_404_after_it(rig: Rig, worker: WorkerClient) -> None:
    waiting, running = rig.run({}, policy={"ttl": 20_000}), rig.run({}, policy={"ttl": 20_000})
    rig.client.post(f"cancel/{waiting}")
    waiting = rig.run({}, policy={"ttl": 20_000})
    assert worker.take() == {"id": running, "input": {}}
    rig.clock.shift_s += 21
    assert [rig.client.get(f"status/{job_id}").status_code for job_id in (waiting, running)] == [404, 404]
    assert worker.take() is None
    assert worker.stops() == [running]
    assert worker.done(running, {"output": 1}).status_code == 200
    assert rig.client.get(f"status/{running}").status_code == 404


def test_a_result_is_kept_for_half_an_hour_after_the_end(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({}, policy={"ttl": 20_000})
    worker.take()
    worker.done(job_id, {"output": 1})
    rig.clock.shift_s += 29 * 60
    assert rig.status(job_id)["status"] == "COMPLETED"
    rig.clock.shift_s += 2 * 60
    assert rig.client.get(f"status/{job_id}").status_code == 404
    until(lambda: rig.client.get("health").json()["jobs"]["completed"] == 0)


def test_a_job_that_runs_too_long_is_timed_out(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({}, policy={"executionTimeout": 5000})
    worker.take()
    rig.clock.shift_s += 6
    body = rig.until(job_id)
    assert (body["status"], body["error"]) == ("TIMED_OUT", "job exceeded its execution timeout")
    assert body["executionTime"] >= 5000
    assert worker.stops() == [job_id]


def test_jobs_are_taken_in_the_order_of_their_coming(rig: Rig, worker: WorkerClient) -> None:
    ids = []
    for n in range(5):
        ids.append(rig.run(n))
        rig.clock.shift_s += 0.002
    assert [job["id"] for job in worker.take_batch(3)] == ids[:3]
    assert [job["id"] for job in worker.take_batch(100)] == ids[3:]


def test_health_counts_jobs_and_workers_as_runpod_does(tmp_path: Path) -> None:
    with pool_rig(tmp_path) as rig, enrolled(rig, "w") as worker:
        rig.run(1)
        assert rig.client.get("health").json() == {
            "jobs": {"completed": 0, "failed": 0, "inProgress": 0, "inQueue": 1, "retried": 0},
            "workers": {"idle": 0, "initializing": 0, "ready": 0, "running": 0, "throttled": 0, "unhealthy": 0},
        }
        taken = worker.take()
        assert taken is not None
        health = rig.client.get("health").json()
        assert (health["jobs"]["inProgress"], health["workers"]["running"], health["workers"]["idle"]) == (1, 1, 0)
        worker.done(taken["id"], {"error": "no"})
        health = rig.client.get("health").json()
        assert (health["jobs"]["failed"], health["workers"]["running"], health["workers"]["idle"]) == (1, 0, 1)


@pytest.mark.parametrize("worker_id", ["", "a/b", "a?b", "a b", "x" * 129, "é"])
def test_a_worker_s_id_must_fit_into_an_address(rig: Rig, worker_id: str) -> None:
    with pytest.raises(InvalidRequest):
        rig.call(rig.pool.issue_worker(worker_id))


def test_half_a_surrogate_pair_goes_through_unharmed(rig: Rig, worker: WorkerClient) -> None:
    odd = b'{"input": {"text": "\\ud800"}}'
    answer = rig.client.post("run", content=odd, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    job_id = answer.json()["id"]
    taken = worker.take()
    assert taken == {"id": job_id, "input": {"text": "\ud800"}}
    path = f"job-done/{worker.id}/{job_id}?gpu=x&isStream=false"
    assert worker.client.post(path, content=b'{"output": "\\ud800", "error": "\\ud800"}').status_code == 200
    status = rig.status(job_id)
    assert (status["status"], status["output"], status["error"]) == ("FAILED", "\ud800", "?")
