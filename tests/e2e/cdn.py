"""A CDN of one machine: it pulls through, follows redirects as its origin says, and keeps what it may keep."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx


@dataclass
class Cdn:
    """What is kept, and what was asked of the origin."""

    url: str = ""
    origin: str = ""
    pulled: list[str] = field(default_factory=list)
    kept: dict[str, tuple[float, httpx.Response]] = field(default_factory=dict)

    def get(self, path: str) -> httpx.Response:
        """Return what is kept, or pull it."""
        until_s, answer = self.kept.get(path, (0.0, None))
        if answer is None or time.monotonic() >= until_s:
            self.pulled.append(path)
            answer = httpx.get(self.origin + path, follow_redirects=True)
            allowed = re.fullmatch(r"public, max-age=(\d+)", answer.headers.get("cache-control", ""))
            if allowed and answer.status_code == HTTPStatus.OK:
                self.kept[path] = (time.monotonic() + int(allowed[1]), answer)
        return answer


@contextmanager
def serving_cdn() -> Iterator[Cdn]:
    """Serve a CDN on a free loopback port; its origin is set later."""
    cdn = Cdn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = cdn.get(self.path)
            self.send_response(answer.status_code)
            for name in ("content-type", "content-disposition"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    cdn.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield cdn
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
