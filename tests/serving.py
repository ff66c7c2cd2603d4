"""Serving an ASGI app with real uvicorn, set up as `revela serve` does it, on a free loopback port."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from orchestrator.api.door.connection import StrictConnection

_START_TIMEOUT_S = 30.0
_LOOK_EVERY_S = 0.005


@contextmanager
def serving(
    app: ASGIApp, *, keep_alive_s: int = 620, grace_s: int = 2, listener: socket.socket | None = None
) -> Iterator[str]:
    """Serve `app`, lifespan included, from a thread of its own; yield its base URL without a trailing slash.

    At the end open requests get `grace_s` seconds, then they are cancelled. With a `listener` of one's own the
    address is known before the app is built.
    """
    listener = listener or loopback_listener()
    server = _server(app, keep_alive_s, grace_s)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="serving", daemon=True)
    thread.start()
    try:
        _wait_for_start(server, thread)
        yield base_url(listener)
    finally:
        server.should_exit = True
        thread.join(_START_TIMEOUT_S)
        listener.close()
        if thread.is_alive():
            raise AssertionError("the server did not stop")


@asynccontextmanager
async def serving_here(
    app: ASGIApp | None = None,
    *,
    make_app: Callable[[str], ASGIApp] | None = None,
    keep_alive_s: int = 620,
    grace_s: int = 2,
    http: type[StrictConnection] = StrictConnection,
) -> AsyncIterator[str]:
    """Serve on the running event loop, so that a test shares the loop with it; yield the base URL.

    `make_app` is for an app that must know its own base URL beforehand. `http` is for other limits than production's.
    """
    listener = loopback_listener()
    address = base_url(listener)
    served = make_app(address) if make_app is not None else app
    assert served is not None
    server = _server(served, keep_alive_s, grace_s, http)
    # Not `serve`: that would take the test run's own signals.
    running = asyncio.ensure_future(server._serve([listener]))
    try:
        while not server.started:
            if running.done():
                running.result()
                raise AssertionError("the app's startup failed")
            await asyncio.sleep(_LOOK_EVERY_S)
        yield address
    finally:
        server.should_exit = True
        await running
        listener.close()


class _PromptServer(uvicorn.Server):
    """Ends as uvicorn does, without its waits of a tenth of a second each: almost every test ends a server."""

    async def main_loop(self) -> None:
        while not self.should_exit:
            await self.on_tick(0)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - uvicorn has no event
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel()
        await self.lifespan.shutdown()


def loopback_listener(port: int = 0) -> socket.socket:
    """Return a listening socket on a free port, or on that one."""
    listener = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio leaves Nagle's delay on
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


def base_url(listener: socket.socket) -> str:
    """Return the address of a listener, without a trailing slash."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _server(
    app: ASGIApp, keep_alive_s: int, grace_s: int, http: type[StrictConnection] = StrictConnection
) -> _PromptServer:
    return _PromptServer(
        uvicorn.Config(
            app,
            http=http,
            log_config=None,
            access_log=False,
            lifespan="on" if hasattr(app, "router") else "auto",
            timeout_keep_alive=keep_alive_s,
            timeout_graceful_shutdown=grace_s,
        )
    )


def _wait_for_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive():
            raise AssertionError("the app's startup failed")
        if time.monotonic() > deadline:
            raise AssertionError("the server did not start")
        time.sleep(_LOOK_EVERY_S)
