"""Streamed chunks: from a real SDK worker's generator to the SDK's own client, each once and in order."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import runpod

from orchestrator.pool.chunks import Chunks
from orchestrator.pool.options import MAX_CHUNK_BYTES
from tests.pool.rig import CLIENT_KEY, ENDPOINT, QUICK, Rig, joined, pool_rig, sdk_worker
from tests.pool.worker_client import WorkerClient, enrolled


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pool_rig(tmp_path_factory.mktemp("pool"), replace(QUICK, hold_s=0.4)) as running:
        yield running


@pytest.fixture
def worker(rig: Rig) -> Iterator[WorkerClient]:
    with enrolled(rig, f"worker-{time.monotonic_ns()}") as client:
        yield client


def chunk(rig: Rig, worker: WorkerClient, job_id: str, content: bytes) -> int:
    path = f"job-stream/{worker.id}/{job_id}?gpu=x&isStream=false"
    return worker.client.post(path, content=content).status_code


def read(rig: Rig, job_id: str, wait_ms: int = 1000, method: str = "GET") -> dict[str, object]:
    answer = rig.client.request(method, f"stream/{job_id}?wait={wait_ms}")
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


@pytest.mark.slow
def test_the_sdk_s_client_reads_what_the_sdk_s_worker_yields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pool_rig(tmp_path) as rig, sdk_worker(rig, "w", ("streaming.py",)) as worker:
        monkeypatch.setattr(runpod, "endpoint_url_base", f"{rig.url}/v2")
        joined(rig, worker)
        job = runpod.Endpoint(ENDPOINT, CLIENT_KEY).run({"chunks": 4, "pause": 0.3})
        assert [part["n"] for part in job.stream()] == [0, 1, 2, 3]
        assert (job.status(), job.output()) == ("COMPLETED", [])
        broken = runpod.Endpoint(ENDPOINT, CLIENT_KEY).run({"chunks": 2, "fails": True})
        assert [part["text"] for part in broken.stream()] == ["é", "é"]
        assert "no more" in rig.status(broken.job_id)["error"]


@pytest.mark.slow
def test_an_aggregated_stream_is_in_the_result_too(tmp_path: Path) -> None:
    with pool_rig(tmp_path) as rig, sdk_worker(rig, "w", ("streaming.py", "aggregate")):
        job_id = rig.run({"chunks": 3})
        assert [part["n"] for part in rig.until(job_id)["output"]] == [0, 1, 2]
        assert read(rig, job_id)["stream"] == [{"output": {"n": n, "text": "é"}} for n in range(3)]


def test_a_chunk_is_handed_out_once_by_get_and_by_post(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({})
    worker.take()
    for n in range(3):
        assert chunk(rig, worker, job_id, json.dumps({"output": n}).encode()) == 200
    assert read(rig, job_id) == {"status": "IN_PROGRESS", "stream": [{"output": n} for n in range(3)]}
    chunk(rig, worker, job_id, b'{"output": "last"}')
    worker.done(job_id, {"output": []})
    assert read(rig, job_id, method="POST") == {"status": "COMPLETED", "stream": [{"output": "last"}]}
    assert read(rig, job_id) == {"status": "COMPLETED", "stream": []}


def test_a_read_waits_for_the_next_chunk_and_no_longer_than_asked(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({})
    worker.take()
    began = time.monotonic()
    assert read(rig, job_id, wait_ms=1000) == {"status": "IN_PROGRESS", "stream": []}
    assert 0.9 < time.monotonic() - began < 4
    worker.done(job_id, {"output": 1})


def test_a_look_without_reading_takes_nothing(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({})
    worker.take()
    chunk(rig, worker, job_id, b'{"output": 1}')
    assert rig.client.head(f"stream/{job_id}").status_code == 405
    assert read(rig, job_id)["stream"] == [{"output": 1}]
    worker.done(job_id, {"output": 1})


def test_only_the_worker_that_has_the_job_streams_into_it(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({})
    with enrolled(rig, "thief") as thief:
        assert chunk(rig, thief, job_id, b'{"output": "stolen"}') == 200
        worker.take()
        assert chunk(rig, thief, job_id, b'{"output": "stolen"}') == 200
    assert chunk(rig, worker, job_id, b"no json") == 200
    worker.done(job_id, {"output": 1})
    assert chunk(rig, worker, job_id, b'{"output": "late"}') == 200
    assert read(rig, job_id)["stream"] == []


def test_a_chunk_over_a_megabyte_fails_the_job_and_stops_its_worker(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({})
    worker.take()
    assert chunk(rig, worker, job_id, json.dumps({"output": "x" * MAX_CHUNK_BYTES}).encode()) == 200
    assert rig.status(job_id)["status"] == "FAILED"
    assert "chunk" in rig.status(job_id)["error"]
    assert worker.stops() == [job_id]


def test_a_job_that_begins_anew_streams_anew(rig: Rig, worker: WorkerClient) -> None:
    job_id = rig.run({})
    worker.take()
    chunk(rig, worker, job_id, b'{"output": "of the first run"}')
    worker.done(job_id, {"error": "no"})
    rig.client.post(f"retry/{job_id}")
    worker.take()
    chunk(rig, worker, job_id, b'{"output": "of the second"}')
    worker.done(job_id, {"output": 1})
    assert read(rig, job_id)["stream"] == [{"output": "of the second"}]


@pytest.mark.parametrize("wait", ["0", "999", "300001", "soon"])
def test_a_wait_out_of_range_is_400_and_an_unknown_job_404(rig: Rig, wait: str) -> None:
    assert rig.client.get(f"stream/nothing?wait={wait}").status_code == 400
    assert rig.client.get("stream/nothing").status_code == 404
    assert httpx.get(f"{rig.endpoint_url}/stream/nothing").status_code == 401


def test_unread_chunks_have_a_limit_and_the_job_silent_longest_loses_first() -> None:
    chunks = Chunks(max_bytes=10)
    chunks.add("a", "1111", 1)
    chunks.add("b", "2222", 2)
    chunks.add("a", "33", 3)
    chunks.add("c", "4444", 4)
    assert "b" not in chunks
    assert [chunks.drain(job_id) for job_id in "abc"] == [["1111", "33"], [], ["4444"]]
    chunks.add("a", "x" * 11, 5)
    assert chunks.drain("a") == []
    chunks.add("a", "5555555555", 6)
    chunks.forget_before(7)
    chunks.add("b", "6666666666", 8)
    assert chunks.drain("b") == ["6666666666"]
