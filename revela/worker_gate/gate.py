"""The gate: the worker half of RunPod's protocol on loopback, as gentle as the SDK needs it, in front of a pool.

The SDK asks again at once after an empty answer and after most errors, thousands of times a second, and it never
repeats a post whose connection broke. So nothing here is answered empty at once, an absent pool is a 429 (the SDK
then sleeps 5 s), and results are kept until the pool has them.
"""

import asyncio
import hmac
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from aiohttp.typedefs import Handler

from revela.worker_gate.delivery import deliver
from revela.worker_gate.joining import REFUSED_STATUSES
from revela.worker_gate.pool_link import PoolAnswer, PoolAway, PoolLink

_POLL_S = 60.0
"""The pool holds a poll for 5 s at most, and the SDK waits for 90 s."""
_BRIEF_S = 4.0
"""For pings and progress; the SDK's pings wait for 10 s, and a result waits for its progress."""
_EMPTY_AFTER_S = 1.0
_PROGRESS_START = b'{"status": "IN_PROGRESS"'
"""How the SDK writes a progress post, which goes where results go."""
_STOP_POD_END = b'"stopPod": true}'
"""How the SDK ends a result whose handler asked for a fresh worker."""


class Gate:
    """Forwards what one SDK worker says. `key` is what that worker must send; the pool's token stays on this side."""

    def __init__(self, link: PoolLink) -> None:
        self.key = secrets.token_urlsafe()
        self.asked = asyncio.Event()
        """Set when the worker asks for its first job."""
        self.refused = asyncio.Event()
        """Set when the pool takes the token no more."""
        self.renewal = asyncio.Event()
        """Set when the worker has asked to be replaced: something in it hangs, and the pool gives it no more jobs."""
        self.delivered = 0
        self._link = link
        self._ending = asyncio.Event()
        self._deliveries: set[asyncio.Task[int]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Listen on a free loopback port; yield the address. A poll ends with its connection, a delivery does not."""
        app = web.Application(client_max_size=0, middlewares=[self._only_our_worker])
        for path in ("/job-take/{rest:.+}", "/job-take-batch/{rest:.+}"):
            app.router.add_get(path, self._take, allow_head=False)
        app.router.add_get("/job-stop/{rest:.+}", self._poll, allow_head=False)
        app.router.add_post("/job-done/{rest:.+}", self._done)
        app.router.add_post("/job-stream/{rest:.+}", self._once)
        app.router.add_get("/ping/{rest:.+}", self._once, allow_head=False)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    def end_polls(self) -> None:
        """Answer open polls and take no more jobs: a worker that was told to end waits for its polls first."""
        self._ending.set()

    def renewed(self) -> None:
        """Serve the next worker."""
        self.renewal.clear()
        self._ending.clear()

    async def settle(self) -> None:
        """Return when no delivery is under way."""
        if self._deliveries:
            await asyncio.wait(self._deliveries)

    @web.middleware
    async def _only_our_worker(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if hmac.compare_digest(request.headers.get("Authorization", "").encode(), self.key.encode()):
            response = await handler(request)
        else:
            response = web.Response(status=401)
        response.force_close()
        return response

    async def _take(self, request: web.Request) -> web.Response:
        self.asked.set()
        return await self._poll(request)

    async def _poll(self, request: web.Request) -> web.Response:
        began_s = time.monotonic()
        try:
            answer = await self._unless_ending(request)
        except PoolAway:
            return web.Response(status=429)
        if answer is not None and answer.status == 200 and answer.content_type == "application/json":
            return web.Response(body=answer.body, content_type="application/json")
        if answer is None or answer.status == 204:
            await asyncio.sleep(began_s + _EMPTY_AFTER_S - time.monotonic())
            return web.Response(status=204)
        if answer.status in REFUSED_STATUSES:
            self.refused.set()
        else:
            self._link.lost(f"it answers {answer.status}")
        return web.Response(status=429)

    async def _unless_ending(self, request: web.Request) -> PoolAnswer | None:
        """Return the pool's answer to a poll, or nothing once the worker is to end."""
        if self._ending.is_set():
            return None
        poll = asyncio.ensure_future(self._link.exchange("GET", request.raw_path, timeout_s=_POLL_S))
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait({poll, ending}, return_when=asyncio.FIRST_COMPLETED)
            return poll.result() if poll.done() else None
        finally:
            poll.cancel()
            ending.cancel()

    async def _done(self, request: web.Request) -> web.Response:
        body = await request.read()
        if body.startswith(_PROGRESS_START):
            return await self._once(request)
        delivery = asyncio.ensure_future(self._deliver(request.raw_path, body))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)
        return web.Response(status=await asyncio.shield(delivery))

    async def _deliver(self, path_and_query: str, body: bytes) -> int:
        status = await deliver(self._link, path_and_query, body)
        self.delivered += status < 300
        if body.endswith(_STOP_POD_END):
            self.renewal.set()
        return status

    async def _once(self, request: web.Request) -> web.Response:
        """Forward by one quick try; the next one will tell the same, and more."""
        body = await request.read()
        with suppress(PoolAway):
            await self._link.exchange(request.method, request.raw_path, timeout_s=_BRIEF_S, body=body or None)
        return web.Response()
