"""The real orchestrator in front of a RunPod stand-in that runs orders with the real task runner, all in one loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from starlette.applications import Starlette

from orchestrator.app import create_app
from orchestrator.keys import create_key
from orchestrator.settings import Settings
from orchestrator.store.migrate import upgrade
from orchestrator.store.store import Store
from shared.clock import SystemClock
from shared.ids import Tenant
from shared.wire.progress import ProgressSnapshot
from shared.wire.work_order import WorkOrder
from tests.fake_runpod import API_KEY, FakeRunPod
from tests.serving import serving_here
from worker.context import CancelFlag
from worker.registry import Registry
from worker.run_task import Machine, run_task

OPERATIONS = "tests.broken"


@dataclass
class System:
    """A running orchestrator, its endpoint, and a client with a key."""

    base_url: str
    endpoint: FakeRunPod
    http: aiohttp.ClientSession
    settings: Settings
    extra: dict[str, Any] = field(default_factory=dict)

    async def submit(self, items: list[dict[str, Any]], operation: str = "echo", **fields: Any) -> str:
        """Submit a job; return its id."""
        body = {"operation": operation, "items": items, **fields}
        async with self.http.post(f"{self.base_url}/v1/jobs", json=body) as response:
            answer = await response.json()
            assert response.status == 202, answer
            return str(answer["id"])

    async def job(self, job_id: str, wait_s: float = 0) -> dict[str, Any]:
        """Read a job, waiting for its end up to `wait_s`."""
        async with self.http.get(f"{self.base_url}/v1/jobs/{job_id}", params={"wait": str(wait_s)}) as response:
            answer: dict[str, Any] = await response.json()
            assert response.status == 200, answer
            return answer

    async def ended(self, job_id: str, timeout_s: float = 30) -> dict[str, Any]:
        """Wait for a job's end and return it."""
        async with asyncio.timeout(timeout_s):
            while True:
                job = await self.job(job_id, wait_s=10)
                if job["status"] not in ("IN_QUEUE", "IN_PROGRESS"):
                    return job

    async def text(self, item: dict[str, Any]) -> str:
        """Follow an item's link and return the file."""
        async with self.http.get(item["output"]["text"]["url"]) as response:
            assert response.status == 200
            return await response.text()


@asynccontextmanager
async def orchestrator(folder: Path, fake: FakeRunPod, **settings: Any) -> AsyncIterator[System]:
    """Serve an orchestrator on `folder` whose endpoint is `fake`; a second one on the same folder is a restart."""
    async with fake.serving() as endpoint_url:
        upgrade(f"sqlite:///{folder / 'revela.db'}")
        made: dict[str, Settings] = {}

        def make_app(base_url: str) -> Starlette:
            made["settings"] = Settings(
                _env_file=None,
                data_dir=folder,
                public_url=base_url,
                endpoint_url=endpoint_url,
                RUNPOD_API_KEY=API_KEY,
                operation_packages=OPERATIONS,
                **settings,
            )
            return create_app(made["settings"])

        async with serving_here(make_app=make_app) as base_url:
            key = await _make_key(folder, made["settings"])
            async with aiohttp.ClientSession(headers={"X-API-Key": key}) as http:
                fake.send_hint = _hint_sender(http)
                yield System(base_url, fake, http, made["settings"])


def task_runner(work_dir: Path) -> Callable[[dict[str, Any], Callable[[Any], None]], Any]:
    """Return what runs an endpoint's input: the real task runner, without the SDK around it."""
    machine = Machine(
        Registry.discover((OPERATIONS,)), work_dir, concurrency=2, threads_per_item=1, worker="fake-worker"
    )

    async def execute(task_input: dict[str, Any], progress: Callable[[Any], None]) -> Any:
        order = WorkOrder.model_validate(task_input)
        loop = asyncio.get_running_loop()

        def report(snapshot: ProgressSnapshot) -> None:
            loop.call_soon_threadsafe(progress, snapshot.model_dump(mode="json"))

        def work() -> Any:
            return asyncio.run(run_task(order, machine, report=report, cancel=CancelFlag()))

        return (await asyncio.to_thread(work)).model_dump(mode="json")

    return execute


def _hint_sender(http: aiohttp.ClientSession) -> Callable[[str, dict[str, Any]], Any]:
    async def send(url: str, body: dict[str, Any]) -> None:
        async with http.post(url, json=body) as response:
            assert response.status == 200

    return send


async def _make_key(folder: Path, settings: Settings) -> str:
    store = Store(f"sqlite:///{folder / 'revela.db'}")
    created = await create_key(store, settings.signer(), SystemClock(), "test", Tenant("acme"))
    await store.close()
    return created.key
