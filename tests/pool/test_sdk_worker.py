"""A real SDK worker takes, reports and delivers; each test names the rule of the protocol that it holds to."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from orchestrator.pool.options import KEEP_ALIVE_S, PoolOptions
from tests.pool.rig import CLIENT_KEY, ENDPOINT, QUICK, Rig, SdkWorker, joined, pool_rig, sdk_worker, until
from tests.pool.worker_client import enrolled

pytestmark = pytest.mark.slow

FACING = ("/job-take", "/job-stop/", "/job-done/", "/job-stream/", "/ping/")


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pool_rig(tmp_path_factory.mktemp("pool"), replace(QUICK, max_result_bytes=1 << 20)) as running:
        yield running


@pytest.fixture(scope="module")
def worker(rig: Rig) -> Iterator[SdkWorker]:
    with sdk_worker(rig, "worker-1") as running:
        joined(rig, running)
        yield running


def test_a_job_runs_and_its_status_object_is_runpods(rig: Rig, worker: SdkWorker) -> None:
    job_id = rig.run({"text": "é€"})
    done = rig.until(job_id)
    assert done["output"]["echo"] == {"text": "é€"}
    assert set(done) == {"id", "status", "delayTime", "executionTime", "output", "workerId"}
    assert (done["id"], done["status"], done["workerId"]) == (job_id, "COMPLETED", "worker-1")
    assert 0 <= done["delayTime"] < 5000
    assert 0 <= done["executionTime"] < 5000


def test_the_sdk_derives_its_addresses_from_the_templates(rig: Rig, worker: SdkWorker) -> None:
    """Rule 1: the templates have a query, so parameters stay parameters, and /job-take/, so job-stop is polled."""
    rig.until(rig.run({}))
    take = rig.exchanges(f"/v2/{ENDPOINT}/job-take/worker-1")[-1]
    assert parse_qs(take.query) == {"gpu": ["unknown"], "job_in_progress": ["0"]}
    assert parse_qs(rig.exchanges("/job-done/worker-1/")[-1].query) == {"gpu": ["unknown"], "isStream": ["false"]}
    until(lambda: rig.exchanges(f"/v2/{ENDPOINT}/job-stop/worker-1"))
    assert "runpod_version" in parse_qs(rig.exchanges("/ping/worker-1")[-1].query)
    assert "per-job stop is disabled" not in worker.text()


def test_an_idle_worker_s_polls_are_held_open(rig: Rig, worker: SdkWorker) -> None:
    """Rule 2: an empty take or stop is never answered at once, or the SDK would ask thousands of times a second."""
    start = len(rig.recorder.exchanges)
    time.sleep(2.5)
    polls = [each for each in rig.recorder.exchanges[start:] if "/job-take/" in each.path or "/job-stop/" in each.path]
    assert 2 <= len(polls) <= 6
    assert all(each.status == 204 and each.took_s > 0.9 for each in polls)


def test_a_worker_with_a_wrong_token_is_turned_away_slowly(rig: Rig) -> None:
    """Rules 2 and 11: refusals are held too; the token is the worker's own."""
    other = rig.call(rig.pool.issue_worker("worker-other"))
    with sdk_worker(rig, "worker-bad", token=other) as bad:
        until(lambda: len(rig.exchanges("worker-bad")) >= 3, 30)
        refused = rig.exchanges("worker-bad")
        assert {each.status for each in refused} == {401}
        assert all(each.took_s > 0.9 for each in refused)
        assert bad.process.poll() is None


def test_a_worker_of_an_unknown_endpoint_is_turned_away_slowly(rig: Rig) -> None:
    """Rule 2: the same for an endpoint that is not there; with a valid token it is a 404."""
    with enrolled(rig, "lost") as lost:
        began = time.monotonic()
        address = f"{rig.url}/v2/elsewhere/job-take/lost?gpu=x&job_in_progress=0"
        assert httpx.get(address, headers={"authorization": lost.token}).status_code == 404
        assert time.monotonic() - began > 0.9


def test_a_held_take_answers_within_milliseconds_of_a_run(rig: Rig, worker: SdkWorker) -> None:
    waits = []
    for _ in range(3):
        until(lambda: rig.client.get("health").json()["workers"]["idle"])
        time.sleep(1.2)  # the SDK takes again up to a second after a job
        waits.append(rig.until(rig.run({}))["delayTime"])
    assert sorted(waits)[1] < 100


def test_every_worker_facing_answer_closes_its_connection(rig: Rig, worker: SdkWorker) -> None:
    """Rule 4: a pooled connection that the server closed meanwhile would lose a result without a retry."""
    rig.until(rig.run({"progress": 1}))
    facing = [each for each in rig.recorder.exchanges if any(part in each.path for part in FACING)]
    assert {each.path.split("/")[3] for each in facing} >= {"job-take", "job-stop", "job-done", "ping"}
    assert {each.headers.get("connection") for each in facing} == {"close"}
    assert KEEP_ALIVE_S > 600


def test_progress_is_shown_while_a_job_runs(rig: Rig, worker: SdkWorker) -> None:
    job_id = rig.run({"progress": 1, "sleep": 1})
    shown = until(lambda: rig.status(job_id) if "output" in rig.status(job_id) else None)
    assert (shown["status"], shown["output"]) == ("IN_PROGRESS", {"step": 0})
    assert rig.until(job_id)["output"]["echo"] == {"progress": 1, "sleep": 1}


def test_progress_that_arrives_after_the_end_changes_nothing(rig: Rig, worker: SdkWorker) -> None:
    """Rule 7: IN_PROGRESS after a terminal state is dropped and still answered 2xx."""
    job_id = rig.run({"late_progress": True})
    done = rig.until(job_id)
    until(lambda: len(rig.exchanges(f"/job-done/worker-1/{job_id}")) == 2)
    assert [each.status for each in rig.exchanges(f"/job-done/worker-1/{job_id}")] == [200, 200]
    assert rig.status(job_id) == done


def test_a_second_result_and_another_worker_s_result_are_dropped(rig: Rig, worker: SdkWorker) -> None:
    """Rule 7: the first terminal state wins; posts of a worker that does not hold the job are dropped; always 2xx."""
    job_id = rig.run({"sleep": 0.7})
    rig.until(job_id, "IN_PROGRESS")
    with enrolled(rig, "worker-2") as other:
        assert other.done(job_id, {"output": "stolen"}).status_code == 200
        assert rig.status(job_id)["status"] == "IN_PROGRESS"
        done = rig.until(job_id)
        assert other.done(job_id, {"output": "stolen"}).status_code == 200
    with httpx.Client(headers={"authorization": rig.call(rig.pool.issue_worker("worker-3"))}) as client:
        assert client.post(f"{rig.endpoint_url}/job-done/worker-3/nothing?x", json={}).status_code == 200
    assert rig.status(job_id) == done
    assert done["output"]["echo"] == {"sleep": 0.7}


def test_a_result_over_the_limit_fails_the_job_with_a_clear_message(rig: Rig, worker: SdkWorker) -> None:
    """Rule 8: it is read, answered 2xx, and the job is FAILED; not COMPLETED without its output."""
    job_id = rig.run({"megabytes": 2})
    done = rig.until(job_id)
    assert done["status"] == "FAILED"
    assert "larger than 1048576 bytes" in done["error"]
    assert {each.status for each in rig.exchanges(f"/job-done/worker-1/{job_id}")} == {200}
    assert rig.until(rig.run({}))["status"] == "COMPLETED"


def test_an_empty_input_reaches_the_worker(rig: Rig, worker: SdkWorker) -> None:
    """Rule 12: `input` is kept even when it is {}."""
    done = rig.until(rig.run({}))
    assert (done["status"], done["output"]["echo"]) == ("COMPLETED", {})


def test_an_exception_fails_the_job_with_the_sdk_s_own_report(rig: Rig, worker: SdkWorker) -> None:
    done = rig.until(rig.run({"raise": "boom ü"}))
    report = json.loads(done["error"])
    assert (done["status"], report["error_type"], report["error_message"]) == (
        "FAILED",
        "<class 'ValueError'>",
        "boom ü",
    )


def test_the_token_is_taken_with_bearer_too(rig: Rig) -> None:
    """Rule 11: `Authorization` raw, as the SDK sends it, and with Bearer, as some set-ups make it."""
    token = rig.call(rig.pool.issue_worker("worker-bearer"))
    with sdk_worker(rig, "worker-bearer", token=f"Bearer {token}") as bearer:
        joined(rig, bearer)
        until(lambda: rig.exchanges("/job-take/worker-bearer"))
        assert {each.status for each in rig.exchanges("worker-bearer")} <= {200, 204}


def test_a_head_request_takes_no_job(rig: Rig, tmp_path: Path) -> None:
    with pool_rig(tmp_path) as alone, enrolled(alone, "w") as client:
        job_id = alone.run({})
        assert client.client.head("job-take/w?gpu=x").status_code == 405
        assert alone.status(job_id)["status"] == "IN_QUEUE"


def test_results_of_a_handler_that_blocks_beyond_the_keep_alive_arrive(tmp_path: Path) -> None:
    """Rule 4: a synchronous handler that outlasts the server's keep-alive would post into a dead connection."""
    with pool_rig(tmp_path, keep_alive_s=1) as rig, sdk_worker(rig, "worker-sync", ["blocking.py"]):
        ids = [rig.run({"sleep": 1.6}) for _ in range(2)]
        done = [rig.until(job_id) for job_id in ids]
        assert [each["status"] for each in done] == ["COMPLETED", "COMPLETED"]
        assert [each.get("retries") for each in done] == [None, None]


def test_sigterm_delivers_the_running_job_and_an_idle_worker_leaves_soon(tmp_path: Path) -> None:
    """Rule 3: the hold is at most 5 s, so a worker that is asked to end does so within Docker's 10 s."""
    assert PoolOptions().hold_s <= 5
    with (
        pool_rig(tmp_path, replace(QUICK, hold_s=2)) as rig,
        sdk_worker(rig, "one") as one,
        sdk_worker(rig, "two") as two,
    ):
        until(lambda: rig.client.get("health").json()["workers"]["idle"] == 2, 30)
        job_id = rig.run({"sleep": 1.5})
        taker = rig.until(job_id, "IN_PROGRESS")["workerId"]
        busy, idle = (one, two) if taker == "one" else (two, one)
        began = time.monotonic()
        idle.process.terminate()
        busy.process.terminate()
        assert idle.wait(10) == 0
        assert time.monotonic() - began < 10
        assert busy.wait(10) == 0
        done = rig.status(job_id)
        assert (done["status"], done["workerId"]) == ("COMPLETED", taker)


SDK_CLIENT = """
import json, sys, time, runpod
runpod.api_key = sys.argv[1]
endpoint = runpod.Endpoint(sys.argv[2])
said = {"sync": endpoint.run_sync({"input": {"n": 1}}, timeout=30)}
job = endpoint.run({"input": {"n": 2}})
said["run"] = job.output(timeout=30)
said["status"] = job.status()
slow = endpoint.run({"input": {"sleep": 60}})
while slow.status() != "IN_PROGRESS":
    time.sleep(0.1)
said["cancel"] = slow.cancel()
said["cancelled"] = slow.status()
said["health"] = endpoint.health()
print(json.dumps(said))
"""


def test_the_sdk_s_own_client_runs_waits_reads_and_cancels(rig: Rig, worker: SdkWorker) -> None:
    environment = {"RUNPOD_ENDPOINT_BASE_URL": f"{rig.url}/v2", "PATH": "", "HOME": str(rig.log_dir)}
    command = [sys.executable, "-c", SDK_CLIENT, CLIENT_KEY, ENDPOINT]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert finished.returncode == 0, finished.stderr
    said = json.loads(finished.stdout.splitlines()[-1])
    assert said["sync"]["echo"] == {"n": 1}
    assert (said["run"]["echo"], said["status"]) == ({"n": 2}, "COMPLETED")
    assert said["cancel"]["status"] == said["cancelled"] == "CANCELLED"
    assert set(said["health"]) == {"jobs", "workers"}
