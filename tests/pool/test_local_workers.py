"""Workers that the pool starts here: on demand, replaced when they fail, gone when there is nothing to do."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.pool.local_workers import LocalOptions
from shared.processes import session_members
from tests.pool.rig import QUICK, WORKERS, Rig, pool_rig, until
from tests.pool.worker_client import enrolled

pytestmark = pytest.mark.slow

PATIENT = replace(QUICK, lease_s=60.0, stop_grace_s=1.5)
"""A lease that no test waits for: what a local worker's death brings about must come from watching it."""


def local(tmp_path: Path, command: tuple[str, ...], **more: Any) -> Callable[[str], LocalOptions]:
    environment = {**os.environ, "REVELA_SECRET_KEY": "s3cret", "AWS_SECRET_ACCESS_KEY": "s3cret", "CUDA_X": "1"}
    defaults: dict[str, Any] = {
        "limit": 1,
        "idle_s": 600.0,
        "drain_s": 10.0,
        "extra_environment": {"REVELA_LOG_FORMAT": "json"},
    }
    return lambda endpoint_url: LocalOptions(
        command=command,
        endpoint_url=endpoint_url,
        log_dir=tmp_path / "worker-logs",
        environment=environment,
        **(defaults | more),
    )


COOPERATIVE = (sys.executable, str(WORKERS / "cooperative.py"))


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("pool")
    with pool_rig(folder, PATIENT, local=local(folder, COOPERATIVE)) as running:
        yield running


def leaders(rig: Rig) -> dict[str, int]:
    """Return the pids of the pool's local workers by their ids."""
    workers = rig.pool._local
    assert workers is not None
    return {worker.id: worker.process.pid for worker in workers._workers.values()}


def test_no_worker_runs_before_there_is_a_job_and_one_starts_for_it(rig: Rig) -> None:
    assert leaders(rig) == {}
    job_id = rig.run({"environment": True})
    until(lambda: rig.client.get("health").json()["workers"]["initializing"])
    done = rig.until(job_id)
    assert done["status"] == "COMPLETED"
    assert list(leaders(rig)) == [done["workerId"]]


def test_a_worker_s_environment_is_an_allow_list(rig: Rig) -> None:
    environment = rig.until(rig.run({"environment": True}))["output"]
    assert "s3cret" not in str(environment)
    assert {"PATH", "CUDA_X", "REVELA_DIE_WITH_PARENT"} <= set(environment)
    assert environment["REVELA_LOG_FORMAT"] == "json"
    home = Path(environment["HOME"])
    assert home.parent == Path(tempfile.gettempdir())
    assert not (home / ".runpod").exists()
    foreign = {name for name in environment if not name.startswith(("RUNPOD_", "REVELA_", "CUDA_", "NVIDIA_", "LC_"))}
    allowed = {"PATH", "HOME", "LANG", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONUNBUFFERED"}
    assert foreign <= allowed | {"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "SSL_CERT_FILE", "SSL_CERT_DIR"}


def test_a_killed_leader_s_job_is_requeued_at_once_and_its_orphans_are_ended(rig: Rig) -> None:
    """Rule 6: on this machine pings are not trusted; the ping process outlives its leader and would keep the lease."""
    job_id = rig.run({"sleep": 1.5})
    rig.until(job_id, "IN_PROGRESS")
    [(worker_id, pid)] = leaders(rig).items()
    until(lambda: len(session_members(pid)) >= 2)
    os.kill(pid, signal.SIGKILL)
    until(lambda: worker_id not in leaders(rig), 3)
    assert session_members(pid) == []
    done = rig.until(job_id)
    assert (done["status"], done["retries"]) == ("COMPLETED", 1)
    assert done["workerId"] != worker_id


def test_a_job_that_kills_its_workers_is_failed_after_its_retries(rig: Rig) -> None:
    done = rig.until(rig.run({"exit": 9}), timeout_s=40)
    assert (done["status"], done["retries"]) == ("FAILED", 1)
    assert done["error"] == "worker lost (its process ended with 9) after 1 retries"


def test_a_worker_that_asks_to_be_refreshed_is_replaced(rig: Rig) -> None:
    """Rule 10: stopPod means no more jobs for that worker and a fresh one in its place."""
    first = rig.until(rig.run({"refresh": True}))
    second = rig.until(rig.run({}))
    assert [first["status"], second["status"]] == ["COMPLETED", "COMPLETED"]
    assert second["workerId"] != first["workerId"]
    assert second["output"]["pid"] != first["output"]["pid"]
    assert "retries" not in second


def test_a_worker_that_does_not_stop_a_cancelled_job_is_killed_and_replaced(rig: Rig) -> None:
    """Rule 9: after the grace the worker is killed."""
    job_id = rig.run({"block": 60})
    rig.until(job_id, "IN_PROGRESS")
    [(worker_id, pid)] = leaders(rig).items()
    rig.client.post(f"cancel/{job_id}")
    until(lambda: worker_id not in leaders(rig), 10)
    assert session_members(pid) == []
    done = rig.until(rig.run({}))
    assert (done["status"], rig.status(job_id)["status"]) == ("COMPLETED", "CANCELLED")


def test_several_start_for_several_jobs_and_all_stop_when_idle(tmp_path: Path) -> None:
    how = local(tmp_path, COOPERATIVE, limit=2, idle_s=1.5)
    with pool_rig(tmp_path, PATIENT, local=how) as rig:
        jobs = [rig.run({"sleep": 2.5}) for _ in range(3)]
        until(lambda: len(leaders(rig)) == 2)
        pids = list(leaders(rig).values())
        done = [rig.until(job_id) for job_id in jobs]
        assert len({each["workerId"] for each in done}) == 2
        until(lambda: leaders(rig) == {}, 20)
        assert [session_members(pid) for pid in pids] == [[], []]
        assert rig.rows("SELECT id FROM pool_workers") == []
        health = rig.client.get("health").json()
        assert health["workers"] == dict.fromkeys(health["workers"], 0)
        assert "retries" not in done[0]


def test_nothing_is_left_when_the_server_closes_and_its_jobs_wait_for_the_next_start(tmp_path: Path) -> None:
    how = local(tmp_path, COOPERATIVE)
    with pool_rig(tmp_path, PATIENT, local=how) as rig:
        job_id = rig.run({"sleep": 60})
        rig.until(job_id, "IN_PROGRESS")
        [pid] = leaders(rig).values()
        home = rig.pool._local._home if rig.pool._local else None
        until(lambda: len(session_members(pid)) >= 2)
    assert session_members(pid) == []
    assert home is not None
    assert not home.exists()
    assert rig.rows("SELECT status, retries, worker_id FROM pool_jobs") == [("IN_QUEUE", 0, None)]
    assert rig.rows("SELECT id FROM pool_workers") == []


def test_an_earlier_run_s_local_workers_have_died_with_it(tmp_path: Path) -> None:
    """A server that was killed can't give jobs back: the next start does, and lets those workers in no more."""
    with pool_rig(tmp_path, PATIENT) as rig, enrolled(rig, "local-old", local=True) as old:
        job_id = rig.run({})
        assert old.take() is not None
        old.ping(job_id)
        port = rig.port
        token = old.token
    with pool_rig(tmp_path, PATIENT, port=port) as rig:
        rig.until(job_id, "IN_QUEUE", timeout_s=3)
        assert rig.status(job_id)["retries"] == 1
        answer = httpx.get(f"{rig.endpoint_url}/ping/local-old?gpu=x", headers={"authorization": token})
        assert answer.status_code == 401


def test_a_worker_that_can_t_start_is_tried_ever_more_slowly_and_shown_as_unhealthy(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "print('no GPU here'); raise SystemExit(3)")
    with pool_rig(tmp_path, PATIENT, local=local(tmp_path, command)) as rig:
        job_id = rig.run({})
        until(lambda: rig.client.get("health").json()["workers"]["unhealthy"] == 1)
        rig.clock.shift_s += 3
        until(lambda: len(list((tmp_path / "worker-logs").iterdir())) == 2, 5)
        until(lambda: leaders(rig) == {})
        rig.clock.shift_s += 3
        with pytest.raises(AssertionError):
            until(lambda: len(list((tmp_path / "worker-logs").iterdir())) == 3, 1)
        assert rig.status(job_id)["status"] == "IN_QUEUE"
        assert "no GPU here" in next((tmp_path / "worker-logs").iterdir()).read_text()


def test_a_command_that_is_not_there_leaves_the_job_waiting(tmp_path: Path) -> None:
    with pool_rig(tmp_path, PATIENT, local=local(tmp_path, ("/nonexistent/python",))) as rig:
        job_id = rig.run({})
        until(lambda: rig.client.get("health").json()["workers"]["unhealthy"] == 1)
        assert rig.status(job_id)["status"] == "IN_QUEUE"
        assert rig.rows("SELECT id FROM pool_workers") == []
