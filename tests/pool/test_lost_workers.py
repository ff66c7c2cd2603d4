"""Workers that die, freeze, forget, or are cut off: their jobs go on elsewhere, and late posts change nothing."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.pool.rig import QUICK, Rig, joined, pool_rig, sdk_worker, until
from tests.pool.worker_client import enrolled

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pool_rig(tmp_path_factory.mktemp("pool")) as running:
        yield running


def test_a_killed_worker_s_job_goes_back_into_the_queue(rig: Rig) -> None:
    """Rule 6: no ping for about three intervals means that the worker is gone."""
    with sdk_worker(rig, "first") as first:
        joined(rig, first)
        job_id = rig.run({"sleep": 60})
        until(lambda: any(job_id in each.query for each in rig.exchanges("/ping/first")))
        first.kill_session()
        rig.until(job_id, "IN_QUEUE")
    rig.client.post(f"cancel/{job_id}")


def test_a_frozen_worker_s_late_result_is_fenced_off(rig: Rig) -> None:
    """Rules 6 and 13: another worker completes the job; who lost it can't end it any more, and is answered 2xx."""
    with sdk_worker(rig, "frozen") as frozen:
        job_id = rig.run({"sleep": 1})
        until(lambda: any(job_id in each.query for each in rig.exchanges("/ping/frozen")))
        for pid in frozen.members():
            os.kill(pid, signal.SIGSTOP)
        rig.until(job_id, "IN_QUEUE")
        with sdk_worker(rig, "healthy"):
            done = rig.until(job_id)
            assert (done["status"], done["workerId"], done["retries"]) == ("COMPLETED", "healthy", 1)
        for pid in frozen.members():
            os.kill(pid, signal.SIGCONT)
        late = until(lambda: rig.exchanges(f"/job-done/frozen/{job_id}"))
        assert [each.status for each in late] == [200]
        assert rig.status(job_id) == done


def test_a_result_that_is_never_posted_is_found_by_the_pings(rig: Rig) -> None:
    """Rule 6: the SDK drops a result that is no JSON and says nothing; two pings without the job tell of it."""
    with sdk_worker(rig, "mute") as mute:
        job_id = rig.run({"unserialisable": True})
        done = rig.until(job_id, timeout_s=40)
        assert (done["status"], done["retries"]) == ("FAILED", 1)
        assert done["error"] == "worker lost (it has the job no more and sent no result) after 1 retries"
        assert mute.text().count("Error while returning job result") == 2


def test_no_job_is_handed_to_a_worker_that_was_just_killed(rig: Rig) -> None:
    """Rule 5: a job is only popped for a request that is still connected."""
    with sdk_worker(rig, "vanished") as vanished:
        joined(rig, vanished)
        until(lambda: rig.client.get("health").json()["workers"]["idle"])
        vanished.kill_session()
        job_id = rig.run({})
        assert rig.status(job_id) == {"id": job_id, "status": "IN_QUEUE"}
    with enrolled(rig, "next") as following:
        assert following.take() == {"id": job_id, "input": {}}
        following.done(job_id, {"output": 1})
    assert "retries" not in rig.status(job_id)


def test_a_revoked_worker_s_job_goes_back_and_its_token_opens_nothing(rig: Rig) -> None:
    with enrolled(rig, "revoked") as worker:
        job_id = rig.run({})
        assert worker.take() is not None
        rig.call(rig.pool.revoke_worker("revoked"))
        rig.until(job_id, "IN_QUEUE")
        assert worker.take() is None
        assert worker.done(job_id, {"output": 1}).status_code == 401
    rig.client.post(f"cancel/{job_id}")


def test_a_worker_outlives_a_restart_of_the_server_and_delivers(tmp_path: Path) -> None:
    """A job whose worker comes back within the grace goes on; one whose worker does not is queued again."""
    options = replace(QUICK, restart_grace_s=4.0)
    with ExitStack() as before_restart:
        rig = before_restart.enter_context(pool_rig(tmp_path, options))
        absent = before_restart.enter_context(enrolled(rig, "never-back"))
        abandoned = rig.run({})
        absent.take()
        absent.ping(abandoned)
        with sdk_worker(rig, "survivor") as survivor:
            job_id = rig.run({"sleep": 5})
            rig.until(job_id, "IN_PROGRESS")
            before_restart.close()
            with pool_rig(tmp_path, options, port=rig.port) as again:
                done = again.until(job_id)
                assert (done["status"], done["workerId"], done.get("retries")) == ("COMPLETED", "survivor", None)
                survivor.kill_session()
                until(lambda: again.status(abandoned).get("retries") == 1)


def test_a_caller_that_hangs_up_gets_no_job(tmp_path: Path) -> None:
    """Rule 5: the disconnect is seen while the take is held."""
    with pool_rig(tmp_path, replace(QUICK, hold_s=20)) as rig, enrolled(rig, "w") as worker:
        with pytest.raises(httpx.ReadTimeout):
            worker.client.get("job-take/w?gpu=x", timeout=0.3)
        until(lambda: rig.exchanges("/job-take/w"))
        job_id = rig.run({})
        assert rig.status(job_id)["status"] == "IN_QUEUE"
        assert worker.take() == {"id": job_id, "input": {}}


def test_a_job_popped_for_a_caller_that_hung_up_meanwhile_goes_back(tmp_path: Path) -> None:
    """Rule 5: the hang-up comes while the take is being committed, too late to be seen before."""
    with pool_rig(tmp_path, replace(QUICK, hold_s=20)) as rig, enrolled(rig, "w") as worker:
        job_id = rig.run({})
        asyncio.run_coroutine_threadsafe(rig.pool._store.write(lambda _: time.sleep(1)), rig.loop[0])
        with pytest.raises(httpx.ReadTimeout):
            worker.client.get("job-take/w?gpu=x", timeout=0.3)
        until(lambda: rig.exchanges("/job-take/w"))
        assert rig.status(job_id) == {"id": job_id, "status": "IN_QUEUE"}
        assert worker.take() == {"id": job_id, "input": {}}
        worker.done(job_id, {"output": 1})
        assert "retries" not in rig.status(job_id)


def test_a_stop_that_was_forgotten_in_a_restart_is_told_again(tmp_path: Path) -> None:
    with ExitStack() as before_restart:
        rig = before_restart.enter_context(pool_rig(tmp_path))
        worker = before_restart.enter_context(enrolled(rig, "w"))
        job_id = rig.run({})
        worker.take()
        worker.ping(job_id)
        rig.client.post(f"cancel/{job_id}")
        before_restart.close()
        with pool_rig(tmp_path) as again, enrolled(again, "w") as same:
            same.ping(job_id)
            assert same.stops() == []
            same.ping(job_id)
            assert until(same.stops) == [job_id]


def test_closing_ends_held_polls_soon_and_gives_no_more_jobs(tmp_path: Path) -> None:
    with pool_rig(tmp_path, replace(QUICK, hold_s=20)) as rig, enrolled(rig, "w") as worker:
        began = time.monotonic()
        held = ThreadPoolExecutor(1).submit(worker.take)
        until(lambda: rig.client.get("health").json()["workers"]["idle"])
        rig.call(rig.pool.close())
        job_id = rig.run({})
        assert held.result() is None
        assert worker.take() is None
        assert time.monotonic() - began < 15
        assert rig.status(job_id)["status"] == "IN_QUEUE"
        rig.call(rig.pool.close())
