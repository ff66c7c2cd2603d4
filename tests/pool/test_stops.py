"""Cancel and time-out: the state first, then the worker is told until it obeys (rule 9)."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.pool.rig import Rig, SdkWorker, joined, pool_rig, sdk_worker, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pool_rig(tmp_path_factory.mktemp("pool")) as running:
        yield running


@pytest.fixture(scope="module")
def pair(rig: Rig) -> Iterator[SdkWorker]:
    """A worker that runs two jobs at a time."""
    with sdk_worker(rig, "pair", ["cooperative.py", "2"]) as running:
        joined(rig, running)
        yield running


def begun(pair: SdkWorker, job_id: str) -> None:
    """Wait until the handler runs: the SDK lists a job that is stopped between its take and that for ever."""
    until(lambda: f"HANDLER BEGUN {job_id}\n" in pair.text())


def settled(rig: Rig) -> None:
    """Wait until nothing is to be stopped any more: the stop channel is silent and pings list nothing."""
    until(lambda: "job_id" not in rig.exchanges("/ping/pair")[-1].query)
    until(lambda: rig.exchanges("/job-stop/pair")[-1].status == 204)


def test_a_cancelled_job_is_stopped_and_its_neighbour_finishes(rig: Rig, pair: SdkWorker) -> None:
    """Rule 9; both jobs were asked for in one batch (rule 1)."""
    neighbour, victim = rig.run({"sleep": 2.5}), rig.run({"sleep": 60})
    begun(pair, victim)
    assert rig.client.post(f"cancel/{victim}").json() == {"id": victim, "status": "CANCELLED"}
    until(lambda: f"HANDLER CANCELLED {victim}" in pair.text(), 5)
    done = rig.until(neighbour)
    assert (done["status"], done.get("retries")) == ("COMPLETED", None)
    assert f"HANDLER CANCELLED {neighbour}" not in pair.text()
    assert rig.exchanges("/job-take-batch/pair")
    settled(rig)
    assert rig.status(victim)["status"] == "CANCELLED"
    assert not rig.exchanges(f"/job-done/pair/{victim}")
    assert rig.until(rig.run({}))["status"] == "COMPLETED"


def test_a_stop_is_repeated_to_a_worker_that_did_not_heed_it(rig: Rig, pair: SdkWorker) -> None:
    """Rule 9: the first stop is swallowed by the handler, the repeated one ends it."""
    job_id = rig.run({"sleep": 60, "stubborn": 60})
    until(lambda: job_id in rig.exchanges("/ping/pair")[-1].query)
    begun(pair, job_id)
    start = len(rig.exchanges("/job-stop/pair"))
    rig.client.post(f"cancel/{job_id}")
    settled(rig)
    told = [each for each in rig.exchanges("/job-stop/pair")[start:] if each.status == 200]
    assert len(told) >= 2
    answered_s = [each.began_s + each.took_s for each in told]
    assert min(after - before for before, after in pairwise(answered_s)) > 0.8
    assert rig.status(job_id)["status"] == "CANCELLED"


def test_a_job_that_runs_too_long_is_stopped_in_its_worker(rig: Rig, pair: SdkWorker) -> None:
    """Rule 9: the execution time-out takes the same path, with the status TIMED_OUT."""
    job_id = rig.run({"sleep": 60}, policy={"executionTimeout": 5000})
    begun(pair, job_id)
    rig.clock.shift_s += 5
    assert rig.until(job_id)["status"] == "TIMED_OUT"
    until(lambda: f"HANDLER CANCELLED {job_id}" in pair.text(), 5)
    settled(rig)


def test_a_running_job_past_its_time_to_live_is_forgotten_and_stopped(rig: Rig, pair: SdkWorker) -> None:
    job_id = rig.run({"sleep": 60}, policy={"ttl": 10_000})
    begun(pair, job_id)
    rig.clock.shift_s += 10
    until(lambda: rig.client.get(f"status/{job_id}").status_code == 404)
    until(lambda: f"HANDLER CANCELLED {job_id}" in pair.text(), 5)
    settled(rig)
