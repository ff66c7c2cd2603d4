"""A real server that is killed between a delivery and its mark: the event comes again and is not lost."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.served import Server, served
from tests.waiting import until_now

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Taking:
    """A receiver in a thread that kills the server, before it answers, at the first event of each kind."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.victim: Server | None = None
        taking = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                taking.got.append((self.headers["webhook-id"], body))
                if taking.victim is not None:
                    victim, taking.victim = taking.victim, None
                    victim.kill()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host_and_port = f"127.0.0.1:{self.http.server_address[1]}"


@contextmanager
def taking() -> Iterator[Taking]:
    receiver = Taking()
    thread = threading.Thread(target=receiver.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.http.shutdown()
        receiver.http.server_close()


def test_an_event_that_was_taken_but_not_marked_comes_again_after_a_kill(tmp_path: Path) -> None:
    with taking() as receiver, served(tmp_path, workers=0, **opened(receiver)) as server:
        receiver.victim = server
        with httpx.Client(base_url=server.url, headers={"x-api-key": server.create_key()}) as client:
            address = f"http://{receiver.host_and_port}/hook"
            job = client.post("/v1/jobs", json={"operation": "echo", "input": {}, "webhook": address}).json()["id"]
            with suppress(httpx.HTTPError):  # the server may be dead before it has answered
                client.post(f"/v1/jobs/{job}/cancel")
            until_now(lambda: len(receiver.got) == 1, 30)
            server.start()
            until_now(lambda: states(client, job) == [("DELIVERED", 1)], 30)
        first, second = receiver.got
        assert first == second


def opened(receiver: Taking) -> dict[str, str]:
    return {"REVELA_ALLOW_PRIVATE_SOURCES": receiver.host_and_port}


def states(client: httpx.Client, job_id: str) -> list[tuple[str, int]]:
    """Return the state and the number of marked tries of each of a job's events."""
    found = client.get(f"/v1/jobs/{job_id}/deliveries").json()["deliveries"]
    return [(delivery["state"], len(delivery["tries"])) for delivery in found]
