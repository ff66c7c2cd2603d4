"""A real SDK worker takes, reports and delivers; each test names the rule of the protocol that it holds to."""

from collections.abc import Iterator

import pytest

from tests.pool.rig import Rig, SdkWorker, joined, pool_rig, sdk_worker

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pool_rig(tmp_path_factory.mktemp("pool")) as running:
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
    assert 0 <= done["delayTime"] < 5000 and 0 <= done["executionTime"] < 5000
