"""A store on loopback that answers as it is told, and then 200."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Asked:
    """What came."""

    url: str = ""
    """Of an object."""
    paths: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def scripted_store(*answers: web.Response) -> AsyncIterator[Asked]:
    """Serve on a free port; each request gets the next answer, a copy of it."""
    asked, left = Asked(), list(answers)

    async def answer(request: web.Request) -> web.Response:
        asked.paths.append(request.path)
        asked.bodies.append(await request.read())
        told = left.pop(0) if left else web.Response()
        return web.Response(status=told.status, headers=told.headers, body=told.body)

    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{key:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    asked.url = f"http://127.0.0.1:{runner.addresses[0][1]}/k"
    try:
        yield asked
    finally:
        await runner.cleanup()
