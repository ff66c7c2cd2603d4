"""A little web server on loopback that hands out the demo's photos, each under a name of the server's own."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class PhotoServer(ThreadingHTTPServer):
    """Serves a fixed list of files and nothing else: `/1`, `/2`, …"""

    daemon_threads = True

    def __init__(self, photos: Sequence[Path]) -> None:
        """Listen on a free port of 127.0.0.1."""
        self.photos = {f"/{n}": photo for n, photo in enumerate(photos, 1)}
        super().__init__(("127.0.0.1", 0), _PhotoHandler)

    @property
    def authority(self) -> str:
        """Its ``host:port``."""
        return f"127.0.0.1:{self.server_port}"

    @property
    def urls(self) -> list[str]:
        """The photos' addresses, in order."""
        return [f"http://{self.authority}{path}" for path in self.photos]


class _PhotoHandler(BaseHTTPRequestHandler):
    server: PhotoServer
    timeout = 30

    def do_GET(self) -> None:
        """Answer with the whole file."""
        photo = self.server.photos.get(self.path)
        if photo is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        content = photo.read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *_: object) -> None:
        """Say nothing: the demo's terminal is for its own report."""


@contextmanager
def serving_photos(photos: Sequence[Path]) -> Iterator[PhotoServer]:
    """Serve `photos` from a thread until the block ends."""
    with PhotoServer(photos) as server:
        thread = threading.Thread(target=server.serve_forever, name="photos", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
