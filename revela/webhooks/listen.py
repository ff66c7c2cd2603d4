"""A small receiver of webhooks for trying them out: it believes only what is signed, and prints it."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from revela.client.webhooks import verify_webhook
from revela.failures import UsageFault
from shared.errors import SettingsError, WebhookUnverified
from shared.webhooks.signature import ID_HEADER, sign

_MAX_BODY_BYTES = 1 << 20
_READ_S = 10.0


class Listener(ThreadingHTTPServer):
    """Listens on loopback; `secrets` are those that may have signed. UsageFault for a secret that is none."""

    daemon_threads = True

    def __init__(self, port: int, secrets: Sequence[str], *, as_json: bool) -> None:
        try:
            sign(secrets, "evt", 0, b"")
        except SettingsError as wrong:
            raise UsageFault(wrong.detail) from wrong
        super().__init__(("127.0.0.1", port), _Receiver)
        self.secrets = tuple(secrets)
        self.as_json = as_json
        self.seen: set[str] = set()
        self.printing = Lock()

    @property
    def url(self) -> str:
        """The address to give to a job."""
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, headers: dict[str, str], body: bytes) -> None:
        """Print a genuine event; WebhookUnverified for any other."""
        event, event_id = verify_webhook(headers, body, self.secrets), headers[ID_HEADER]
        with self.printing:
            again = event_id in self.seen
            self.seen.add(event_id)
            if self.as_json:
                print(body.decode(), flush=True)
                return
            status = event.data.job.status if event.data.job else ""
            fields = (f"{event.timestamp:%H:%M:%S}", event.type, event.data.url, status, event_id)
            print(*filter(None, (*fields, "again" if again else "")), flush=True)


class _Receiver(BaseHTTPRequestHandler):
    server: Listener
    timeout = _READ_S

    def do_POST(self) -> None:
        """Answer 204 to what is genuine, 401 to what is not."""
        size_text = self.headers.get("content-length", "")
        if not size_text.isdecimal() or int(size_text) > _MAX_BODY_BYTES:
            self._answer(413)
            return
        body = self.rfile.read(int(size_text))
        try:
            self.server.take({name.lower(): value for name, value in self.headers.items()}, body)
        except WebhookUnverified as refused:
            print(f"refused: {refused.detail}", file=sys.stderr, flush=True)
            self._answer(401)
        else:
            self._answer(204)

    def log_message(self, *_: object) -> None:
        """Print events and nothing else."""

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


def listen_until_interrupted(port: int, secrets: Sequence[str], *, as_json: bool) -> None:
    """Print events until Ctrl-C; OSError where the port is taken."""
    with Listener(port, secrets, as_json=as_json) as listener, suppress(KeyboardInterrupt):
        allowed = f"REVELA_ALLOW_PRIVATE_SOURCES=127.0.0.1:{listener.server_port}"
        print(f"listening on {listener.url} (a server sends here if it has {allowed})", file=sys.stderr, flush=True)
        listener.serve_forever()
