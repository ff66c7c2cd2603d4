"""A receiver of webhooks on loopback: answers as it is told, and keeps every request as it came."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

HANG = "hang"
"""Never answer."""
RESET = "reset"
"""Begin an answer, then reset the connection."""
DROP = "drop"
"""Close the connection without an answer."""

Answer = int | str | web.Response


@dataclass(frozen=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float

    @property
    def id(self) -> str:
        """Return the event's id."""
        return self.headers["webhook-id"]

    @property
    def signatures(self) -> list[str]:
        """Return each signature."""
        return self.headers["webhook-signature"].split(" ")

    def verified(self, secret: str) -> Any:
        """Return the body as the independent package reads it; its error if it does not believe the request."""
        return Webhook(secret).verify(self.body, self.headers)

    def signed_by(self, secret: str) -> bool:
        """Return whether the independent package signs the same, whatever the time is now."""
        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        return Webhook(secret).sign(self.id, at, self.body.decode()) in self.signatures


@dataclass
class Receiver:
    """Keeps what it got; answers 204 where nothing else was said."""

    base_url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    """By path: how the next requests are answered; the last one stays."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """By path: requests wait until the event is set."""
    in_hand: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    most_in_hand: int = 0
    on_request: Callable[[Got], None] = lambda got: None

    def url(self, path: str = "/hook") -> str:
        """Return an address of this receiver."""
        return f"{self.base_url}{path}"

    @property
    def host_and_port(self) -> str:
        """Return what an allow list wants."""
        return self.base_url.removeprefix("http://")

    def say(self, *answers: Answer, path: str = "/hook") -> None:
        """Answer the next requests so, one after the other, and all later ones like the last."""
        self.answers[path] = deque(answers)

    def at(self, path: str) -> list[Got]:
        """Return the requests to one path."""
        return [got for got in self.got if got.path == path]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve one request."""
        path, body = request.path, await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(path, headers, body, asyncio.get_running_loop().time()))
        self.in_hand[path] += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand[path])
        try:
            self.on_request(self.got[-1])
            if gate := self.gates.get(path):
                await gate.wait()
            answers = self.answers[path]
            answer = 204 if not answers else answers.popleft() if len(answers) > 1 else answers[0]
            return await _answered(request, answer)
        finally:
            self.in_hand[path] -= 1


async def _answered(request: web.Request, answer: Answer) -> web.StreamResponse:
    if isinstance(answer, web.Response):
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
    if isinstance(answer, int):
        return web.Response(status=answer)
    assert request.transport is not None
    if answer == HANG:
        await asyncio.sleep(3600)
    if answer == RESET:
        broken = web.StreamResponse(headers={"content-length": "1000"})
        await broken.prepare(request)
        await broken.write(b"half of an ")
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """Serve a receiver on a free port, or on that one."""
    receiver = Receiver()
    app = web.Application(client_max_size=1 << 20)
    app.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    receiver.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()
