"""A stand-in for RunPod's endpoint API that fails on demand and counts what it was asked to do."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

API_KEY = "runpod-key"

Execute = Callable[[dict[str, Any], Callable[[Any], None]], Awaitable[Any]]
"""Runs one input; called with the input and a function that takes progress; returns the output."""


@dataclass
class FakeTask:
    """One submitted task."""

    id: str
    body: dict[str, Any]
    status: str = "IN_QUEUE"
    output: Any = None
    error: str | None = None
    running: "asyncio.Task[None] | None" = None


@dataclass
class FakeRunPod:
    """Fails as it is told.

    `faults` holds, by operation, what the next calls meet: a status code, `html` and `deep` (odd bodies), `drop`
    (nothing done, no answer), `hang` (nothing done until `released` is set), or `lose` (done, but no answer).
    `endings` holds what the next executions meet: `fail`, `forget`, or `run`.
    """

    execute: Execute | None = None
    faults: dict[str, list[int | str]] = field(default_factory=lambda: defaultdict(list))
    endings: list[str] = field(default_factory=list)
    tasks: dict[str, FakeTask] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    executions: list[dict[str, Any]] = field(default_factory=list)
    send_hint: Callable[[str, dict[str, Any]], Awaitable[None]] | None = None
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._ids = (f"fake-{n}-u1" for n in itertools.count(1))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve the endpoint on a free loopback port; yield its base URL."""
        app = web.Application()
        app.router.add_post("/v2/fake/run", self._run)
        app.router.add_get("/v2/fake/status/{id}", self._status)
        app.router.add_post("/v2/fake/cancel/{id}", self._cancel)
        app.router.add_get("/v2/fake/health", self._health)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/v2/fake"
        finally:
            self.released.set()
            await self._end_what_runs()
            await runner.cleanup()

    async def _end_what_runs(self) -> None:
        for task in self.tasks.values():
            if task.running is not None:
                task.running.cancel()
                await asyncio.gather(task.running, return_exceptions=True)

    async def _meet(self, operation: str, request: web.Request) -> web.Response | None:
        """Count a call; return the fault it meets, if any."""
        self.calls[operation] += 1
        if request.headers["authorization"] != f"Bearer {API_KEY}":
            return web.Response(status=401)
        fault = self.faults[operation].pop(0) if self.faults[operation] else None
        if isinstance(fault, int):
            return web.Response(status=fault)
        if fault == "html":
            return web.Response(text="<html>", content_type="text/html")
        if fault == "deep":
            return web.Response(text="[" * 50_000, content_type="application/json")
        if fault == "hang":
            await self.released.wait()
        return _hang_up(request) if fault == "drop" else None

    async def _run(self, request: web.Request) -> web.Response:
        lose = bool(self.faults["run"]) and self.faults["run"][0] == "lose"
        if refused := await self._meet("run", request):
            return refused
        task = FakeTask(next(self._ids), await request.json())
        self.tasks[task.id] = task
        if self.execute is not None:
            task.running = asyncio.ensure_future(self._work(task))
        return _hang_up(request) if lose else web.json_response({"id": task.id, "status": "IN_QUEUE"})

    async def _work(self, task: FakeTask) -> None:
        assert self.execute is not None
        ending = self.endings.pop(0) if self.endings else "run"
        task.status = "IN_PROGRESS"
        if ending == "fail":
            task.status, task.error = "FAILED", "job timed out after 1 retries"
        else:
            self.executions.append(task.body["input"])

            def progress(value: Any) -> None:
                task.output = value

            task.output = await self.execute(task.body["input"], progress)
            task.status = "COMPLETED"
        if ending == "forget":
            del self.tasks[task.id]
        if self.send_hint is not None:
            await self.send_hint(task.body["webhook"], {"id": task.id, "status": task.status, "output": "not believed"})

    async def _status(self, request: web.Request) -> web.Response:
        if refused := await self._meet("status", request):
            return refused
        task = self.tasks.get(request.match_info["id"])
        if task is None:
            return web.Response(status=404)
        answer = {"id": task.id, "status": task.status, "delayTime": 3, "executionTime": 7, "workerId": "fake-worker"}
        optional = {"output": task.output, "error": task.error}
        return web.json_response(answer | {name: value for name, value in optional.items() if value is not None})

    async def _cancel(self, request: web.Request) -> web.Response:
        if refused := await self._meet("cancel", request):
            return refused
        task = self.tasks.get(request.match_info["id"])
        if task is None:
            return web.Response(status=404)
        if task.running is not None:
            task.running.cancel()
        task.status = "CANCELLED"
        return web.json_response({"id": task.id, "status": task.status})

    async def _health(self, request: web.Request) -> web.Response:
        workers = {"idle": 1, "initializing": 0, "ready": 1, "running": 0, "throttled": 0, "unhealthy": 0}
        jobs = {"completed": 0, "failed": 0, "inProgress": 0, "inQueue": 0, "retried": 0}
        return await self._meet("health", request) or web.json_response({"workers": workers, "jobs": jobs})


def _hang_up(request: web.Request) -> web.Response:
    """End the connection without an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()
