"""A closed loop of HTTP requests, in a process of its own: each connection sends the next one when answered."""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Loop:
    """What came of a loop; latencies are of single requests, `cpu` is what the loop itself used of one core."""

    per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    statuses: dict[str, int]
    cpu: float


def request(url: str, method: str = "GET", headers: dict[str, str] | None = None, body: str = "") -> str:
    """Return the text of one HTTP/1.1 request."""
    parts = urlsplit(url)
    lines = [
        f"{method} {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1",
        f"Host: {parts.netloc}",
    ]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body.encode())}"]
    return "\r\n".join([*lines, "", body])


def closed_loop(url: str, requests: Sequence[str], seconds: float, connections: int = CONNECTIONS) -> Loop:
    """Send `requests` in turn to the server of `url` for `seconds`, after half a second that does not count."""
    task = {"url": url, "requests": list(requests), "seconds": seconds, "connections": connections}
    argv = [sys.executable, "-m", "bench.load.closed_loop"]
    done = subprocess.run(argv, input=json.dumps(task), stdout=subprocess.PIPE, text=True, check=True)
    return Loop(**json.loads(done.stdout))


class _Tally:
    """The requests that are sent in turn, and the answers so far."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests = requests
        self._sent = 0
        self.counts_from_s = float("inf")
        self.latencies_s: list[float] = []
        self.statuses: Counter[str] = Counter()

    def next_request(self) -> bytes:
        self._sent += 1
        return self._requests[self._sent % len(self._requests)]

    def answered(self, status: str, began_s: float, now_s: float) -> None:
        if began_s >= self.counts_from_s:
            self.latencies_s.append(now_s - began_s)
            self.statuses[status] += 1


class _Connection(asyncio.Protocol):
    """One connection: as little HTTP as it takes to see where an answer ends."""

    def __init__(self, tally: _Tally) -> None:
        self._tally = tally
        self._answer = b""
        self._transport: asyncio.WriteTransport | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, gap, body = self._answer.partition(b"\r\n\r\n")
        if not gap or len(body) < _length(head):
            return
        self._tally.answered(head[9:12].decode(), self._began_s, time.perf_counter())
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's own
        self.closed = True

    def _send(self) -> None:
        assert self._transport is not None
        self._answer = b""
        self._began_s = time.perf_counter()
        self._transport.write(self._tally.next_request())


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def _run(task: dict[str, Any]) -> Loop:
    tally = _Tally([text.encode() for text in task["requests"]])
    loop, address = asyncio.get_running_loop(), urlsplit(task["url"])
    opened = [
        await loop.create_connection(lambda: _Connection(tally), address.hostname, address.port)
        for _ in range(task["connections"])
    ]
    await asyncio.sleep(0.5)
    tally.counts_from_s, cpu_s = time.perf_counter(), _cpu_s()
    await asyncio.sleep(task["seconds"])
    passed_s = time.perf_counter() - tally.counts_from_s
    cpu = (_cpu_s() - cpu_s) / passed_s
    if any(connection.closed for _, connection in opened):
        raise RuntimeError("the server closed a connection")
    ordered = sorted(tally.latencies_s)
    return Loop(
        per_s=len(ordered) / passed_s,
        p50_ms=1000 * statistics.median(ordered),
        p99_ms=1000 * ordered[int(0.99 * len(ordered))],
        max_ms=1000 * ordered[-1],
        statuses=dict(tally.statuses),
        cpu=cpu,
    )


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(_run(json.load(sys.stdin))))))
