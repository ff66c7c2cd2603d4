"""Jobs handed in some at a time, each followed by the next once its webhook has arrived; in a process of its own."""

import asyncio
import json
import subprocess
import sys
import time
from typing import Any

import aiohttp
import uvloop
from aiohttp import web

_PATIENCE_S = 30.0


def hooked_jobs(url: str, key: str, port: int, body: dict[str, Any], jobs: int, at_once: int) -> dict[str, float]:
    """Hand in `jobs` jobs like `body`, `at_once` at a time; return the monotonic second of each one's webhook, by id.

    The receiver listens on the loopback `port`.
    """
    task = {"url": url, "key": key, "port": port, "body": body, "jobs": jobs, "at_once": at_once}
    done = subprocess.run(
        [sys.executable, "-m", "bench.load.hooked"],
        input=json.dumps(task),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    arrived_s: dict[str, float] = json.loads(done.stdout)
    return arrived_s


class _Receiver:
    """Notes when each job's webhook arrived."""

    def __init__(self) -> None:
        self.arrived_s: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Event] = {}

    async def receive(self, request: web.Request) -> web.Response:
        now_s = time.monotonic()
        job_id = (await request.json())["data"]["job"]["id"]
        self.arrived_s.setdefault(job_id, now_s)
        self._told(job_id).set()
        return web.Response()

    async def wait(self, job_id: str) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            await self._told(job_id).wait()

    def _told(self, job_id: str) -> asyncio.Event:
        return self._waiting.setdefault(job_id, asyncio.Event())


async def _run(task: dict[str, Any]) -> dict[str, float]:
    receiver = _Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", task["port"]).start()
    body = {**task["body"], "webhook": f"http://127.0.0.1:{task['port']}/hook"}
    left = iter(range(task["jobs"]))

    async def one_after_the_other(session: aiohttp.ClientSession) -> None:
        for _ in left:
            async with session.post(f"{task['url']}/v1/jobs", json=body) as answer:
                answer.raise_for_status()
                job_id = (await answer.json())["id"]
            await receiver.wait(job_id)

    async with aiohttp.ClientSession(headers={"X-API-Key": task["key"]}) as session:
        await asyncio.gather(*(one_after_the_other(session) for _ in range(task["at_once"])))
    await runner.cleanup()
    return receiver.arrived_s


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_run(json.load(sys.stdin)))))
