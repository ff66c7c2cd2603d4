"""The least that a real SDK worker needs of an endpoint: it hands out jobs and stops, and keeps what is posted."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

HOLD_S = 0.5


@dataclass
class Endpoint:
    """Serves one worker."""

    base_url: str = ""
    jobs: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    stops: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """(job id, body) of each job-done, progress included."""
    pings: list[str] = field(default_factory=list)
    """The job ids of each ping."""

    def environment(self) -> dict[str, str]:
        """Return what the SDK reads."""
        return {
            "RUNPOD_WEBHOOK_GET_JOB": f"{self.base_url}/v2/ep/job-take/$ID?gpu=x",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{self.base_url}/v2/ep/job-done/$RUNPOD_POD_ID/$ID?gpu=x",
            "RUNPOD_WEBHOOK_POST_STREAM": f"{self.base_url}/v2/ep/job-stream/$RUNPOD_POD_ID/$ID?gpu=x",
            "RUNPOD_WEBHOOK_PING": f"{self.base_url}/v2/ep/ping/$RUNPOD_POD_ID?gpu=x",
            "RUNPOD_AI_API_KEY": "secret",
            "RUNPOD_POD_ID": "worker-1",
            "RUNPOD_PING_INTERVAL": "1000",
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
            "RUNPOD_SKIP_GPU_CHECK": "true",
        }

    def results(self, job_id: str) -> list[dict[str, Any]]:
        """Return the final posts of a job."""
        return [body for posted, body in self.posts if posted == job_id and body.get("status") != "IN_PROGRESS"]

    async def _take(self, request: web.Request) -> web.Response:
        try:
            return _json(await asyncio.wait_for(self.jobs.get(), HOLD_S))
        except TimeoutError:
            return web.Response(status=204, headers={"Connection": "close"})

    async def _stop(self, request: web.Request) -> web.Response:
        try:
            return _json({"jobsToStop": [await asyncio.wait_for(self.stops.get(), HOLD_S)]})
        except TimeoutError:
            return web.Response(status=204, headers={"Connection": "close"})

    async def _done(self, request: web.Request) -> web.Response:
        self.posts.append((request.match_info["job"], json.loads(await request.read())))
        return _json({})

    async def _ping(self, request: web.Request) -> web.Response:
        self.pings.append(request.query.get("job_id", ""))
        return _json({})

    def routes(self) -> list[web.RouteDef]:
        """Return the worker-facing routes."""
        return [
            web.get("/v2/ep/job-take/{worker}", self._take),
            web.get("/v2/ep/job-stop/{worker}", self._stop),
            web.get("/v2/ep/ping/{worker}", self._ping),
            web.post("/v2/ep/job-done/{worker}/{job}", self._done),
        ]


def _json(body: object) -> web.Response:
    return web.json_response(body, headers={"Connection": "close"})


@asynccontextmanager
async def endpoint() -> AsyncIterator[Endpoint]:
    """Serve an endpoint on a free port."""
    state = Endpoint()
    app = web.Application()
    app.add_routes(state.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    state.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield state
    finally:
        await runner.cleanup()
