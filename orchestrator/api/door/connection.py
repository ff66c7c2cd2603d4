"""One client's connection: what it sends has to be one plain reading of HTTP/1.1, of bounded size, in bounded time.

uvicorn lets a client take for ever, send any number of headers, and leave out the Host or send two of them. A proxy in
front would refuse that as well; but this server is often run without one.
"""

import asyncio
from enum import Enum, auto

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from orchestrator.api.door.problems import answer
from shared.errors import RevelaError, ServerBusy
from shared.refusals import HeadTooLarge, NotHttp, RequestTimeout, UrlTooLong

_LINGER_S = 1.0
"""How long what still comes is dropped after a refusal: closing at once would reset the connection, and the client
would never see why."""

_log = structlog.get_logger()


class _Part(Enum):
    HEAD = auto()
    BODY = auto()


class StrictConnection(HttpToolsProtocol):
    """uvicorn's connection with limits; a request over one of them never reaches the app.

    A request's head has `head_s` to arrive, from the connection's beginning or its own. A body has `body_s`, and a
    second more for every `body_bytes_per_s` that came; time in which the app does not read counts for nothing.
    """

    head_s = 15.0
    body_s = 20.0
    body_bytes_per_s = 4096
    max_head_bytes = 32 << 10
    max_url_bytes = 8 << 10
    max_headers = 100
    max_connections = 2000

    _part: _Part | None = _Part.HEAD
    """What of a request has begun and is not complete."""
    _began_s = 0.0
    _received_bytes = 0
    _maybe_large = False
    """Whether the head that is being read can be too large at all: measuring it takes 3 µs."""
    _timer: asyncio.TimerHandle | None = None
    _fault: RevelaError | None = None
    """What a check of ours found inside the parser, which hands every error on as one of its own."""
    _closing = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; refused at once when there are too many."""
        super().connection_made(transport)
        self._began_s = self.loop.time()
        if len(self.connections) > self.max_connections:
            self._refuse(ServerBusy())
            return
        self._timer = self.loop.call_later(self.head_s, self._look_at_time)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_timer()
        self._closing = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._closing:
            return
        self._received_bytes += len(data)
        self._maybe_large = self._received_bytes > self.max_head_bytes
        super().data_received(data)
        if not self._closing:
            self._follow()

    def _follow(self) -> None:
        """Go on from what has come by now."""
        if self._part is None and (self.cycle is None or self.cycle.response_complete):
            self._begin(_Part.HEAD)  # empty lines, which end the wait for a next request without beginning one
        if self._part is _Part.HEAD and self._received_bytes > self.max_head_bytes:
            self._refuse(HeadTooLarge())
        elif self._part is not None and self._timer is None:
            self._look_at_time()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begin(_Part.HEAD)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A request's head is there: the last moment before the app is called."""
        self._check_head()
        self._begin(_Part.BODY)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is there as a whole."""
        self._part = None
        self._stop_timer()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's sentence says less than ours
        """Refuse what the parser, or a check of ours inside it, did not take."""
        self._refuse(self._fault or NotHttp())

    def _begin(self, part: _Part) -> None:
        self._part, self._began_s, self._received_bytes = part, self.loop.time(), 0

    def _check_head(self) -> None:
        self._fault = self._fault_in_head()
        if self._fault is not None:
            raise self._fault

    def _fault_in_head(self) -> RevelaError | None:
        """Look at what the parser lets through."""
        if len(self.url) > self.max_url_bytes:
            return UrlTooLong()
        names = [name for name, _ in self.headers]
        if len(names) > self.max_headers or (self._maybe_large and self._head_bytes() > self.max_head_bytes):
            return HeadTooLarge()
        hosts = names.count(b"host")
        if hosts != 1 and (hosts or not self._is_old()):  # RFC 9112 §3.2
            return NotHttp("A request has one Host header.")
        if b"transfer-encoding" in names:  # RFC 9112 §6.1
            codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
            if self._is_old() or codings != [b"chunked"]:
                return NotHttp("The only Transfer-Encoding taken is chunked.")
        return None

    def _head_bytes(self) -> int:
        return sum(len(name) + len(value) for name, value in self.headers)

    def _is_old(self) -> bool:
        return bool(self.parser.get_http_version() == "1.0")

    def _look_at_time(self) -> None:
        """Close the connection if what has begun is overdue; else look again when it would be."""
        self._timer = None
        if self._closing or self._part is None:
            return
        now_s = self.loop.time()
        if self.flow.read_paused or self._answers_an_earlier_request():
            self._began_s = now_s
        due_s = self._began_s + self.head_s
        if self._part is _Part.BODY:
            due_s = self._began_s + self.body_s + self._received_bytes / self.body_bytes_per_s
        if now_s < due_s:
            self._timer = self.loop.call_at(due_s, self._look_at_time)
        elif self._part is _Part.BODY:
            self._refuse(RequestTimeout())
        else:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _answers_an_earlier_request(self) -> bool:
        return self._part is _Part.HEAD and self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, error: RevelaError) -> None:
        """Say why, unless that would fall into another answer; drop what still comes; close."""
        self._closing = True
        _log.info("connection.refused", code=error.code)
        answered = self._part is _Part.BODY and self.cycle is not None and self.cycle.response_started
        in_order = not (answered or self.pipeline or self._answers_an_earlier_request())
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not in_order:
            self.transport.close()
            return
        self.transport.write(_written(error))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(_LINGER_S, self.transport.close)


def _written(error: RevelaError) -> bytes:
    """Return the whole answer that tells `error`, as it goes over the wire."""
    response = answer(error, None)
    lines = [b"%b: %b\r\n" % header for header in response.raw_headers]
    return b"".join((STATUS_LINE[response.status_code], *lines, b"connection: close\r\n\r\n", bytes(response.body)))
