"""The endpoint's webhook: RunPod's body, its tries, and nothing that it should not do."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.pool.rig import Rig, pool_rig, until
from tests.pool.worker_client import WorkerClient, enrolled


class Receiver:
    """A loopback server that answers as told and keeps what it got."""

    def __init__(self, answers: list[int]) -> None:
        self.got: list[tuple[str, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = answers[min(len(receiver.got), len(answers) - 1)]
                receiver.got.append((self.path, body))
                self.send_response(status)
                self.send_header("location", f"{receiver.url}/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def receiving(answers: list[int]) -> Iterator[Receiver]:
    receiver = Receiver(answers)
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pool_rig(tmp_path_factory.mktemp("pool")) as running:
        yield running


@pytest.fixture(scope="module")
def worker(rig: Rig) -> Iterator[WorkerClient]:
    with enrolled(rig, "w") as client:
        yield client


def finish(rig: Rig, worker: WorkerClient, webhook: str) -> str:
    job_id = rig.run({"x": 1}, webhook=webhook)
    worker.take()
    worker.done(job_id, {"output": {"y": 2}})
    return job_id


def test_it_is_sent_once_with_runpods_body_when_the_job_ends(rig: Rig, worker: WorkerClient) -> None:
    with receiving([200]) as receiver:
        job_id = finish(rig, worker, f"{receiver.url}/hint/secret")
        path, body = until(lambda: receiver.got[0] if receiver.got else None)
        sent = json.loads(body)
        assert path == "/hint/secret"
        assert sent == rig.status(job_id) | {"input": {"x": 1}, "webhook": f"{receiver.url}/hint/secret"}
        assert set(sent) >= {"delayTime", "executionTime", "id", "input", "output", "status", "webhook"}
        until(lambda: webhook_states(rig).get(job_id) == ("SENT", 1))
        rig.call(_tick(rig))
        assert len(receiver.got) == 1


def test_a_cancel_is_told_too(rig: Rig) -> None:
    with receiving([204]) as receiver:
        job_id = rig.run({}, webhook=receiver.url)
        rig.client.post(f"cancel/{job_id}")
        assert b'"CANCELLED"' in until(lambda: receiver.got[0][1] if receiver.got else None)


def test_it_is_tried_three_times_and_then_dropped(rig: Rig, worker: WorkerClient) -> None:
    with receiving([500, 302, 404]) as receiver:
        job_id = finish(rig, worker, receiver.url)
        until(lambda: webhook_states(rig).get(job_id) == ("DROPPED", 3))
        assert [path for path, _ in receiver.got] == ["/", "/", "/"]  # the redirect is not followed
        assert rig.status(job_id)["status"] == "COMPLETED"


def test_a_later_try_can_succeed(rig: Rig, worker: WorkerClient) -> None:
    with receiving([503, 200]) as receiver:
        job_id = finish(rig, worker, receiver.url)
        until(lambda: webhook_states(rig).get(job_id) == ("SENT", 2))


def test_a_receiver_that_is_not_there_harms_nothing(rig: Rig, worker: WorkerClient) -> None:
    with receiving([200]) as receiver:
        gone = receiver.url
    job_id = finish(rig, worker, gone)
    until(lambda: webhook_states(rig).get(job_id) == ("DROPPED", 3))


def test_an_unsent_one_is_sent_after_a_restart(tmp_path: Path) -> None:
    with receiving([500, 200]) as receiver:
        with pool_rig(tmp_path) as rig, enrolled(rig, "w") as worker:
            job_id = finish(rig, worker, receiver.url)
            until(lambda: webhook_states(rig).get(job_id) == ("WAITING", 1))
        with pool_rig(tmp_path) as rig:
            until(lambda: webhook_states(rig).get(job_id) == ("SENT", 2))


def webhook_states(rig: Rig) -> dict[str, tuple[str, int]]:
    """Read what the store says of each job's webhook, by SQL of the test's own."""
    rows = rig.rows("SELECT id, webhook_state, webhook_tries FROM pool_jobs")
    return {job_id: (state, tries) for job_id, state, tries in rows}


async def _tick(rig: Rig) -> None:
    await rig.pool.tick(rig.clock.now_ms())
