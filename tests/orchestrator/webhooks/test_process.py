"""A real server that is killed between a delivery and its mark: the event comes again and is not lost."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

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
    with taking() as receiver, served(tmp_path, REVELA_ALLOW_PRIVATE_SOURCES=receiver.host_and_port) as server:
        receiver.victim = server
        with server.client() as client:
            address = f"http://{receiver.host_and_port}/hook"
            job_id = client.submit({"operation": "echo", "input": {"text": "x"}, "webhook": address}).id
            until_now(lambda: len(receiver.got) == 1, 60)
            server.start()
            until_now(lambda: len(receiver.got) >= 2, 30)
            assert client.get(job_id).status == "COMPLETED"
            server.kill()
            server.start()
            assert client.get(job_id).status == "COMPLETED"
        [first, second, *more] = receiver.got
        assert first == second
        assert more == []
