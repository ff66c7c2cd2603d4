"""A whole orchestrator to be asked anything: its jobs run and end at once, and nothing it does leaves this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from orchestrator.app import create_app
from orchestrator.keys import SCOPES, create_key
from orchestrator.settings import Settings
from orchestrator.store.migrate import upgrade
from orchestrator.store.store import Store
from shared.clock import SystemClock
from shared.ids import Tenant
from shared.wire.work_order import WorkOrder
from tests.fake_runpod import API_KEY, FakeRunPod
from tests.fuzz.contracts import note as contract
from tests.fuzz.runs import note
from tests.serving import serving_here
from worker.context import CancelFlag
from worker.registry import Registry, RunnableOperation
from worker.run_task import Machine, run_task

LONGEST_HOLD_S = 0.2
"""How long an answer may be held, in the place of 25 s and of an hour."""


@asynccontextmanager
async def target(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, str]]:
    """Serve an orchestrator with its loops; yield its address and a key with every scope."""
    _hold_no_answer_long(patch)
    _resolve_only_this_machine(patch)
    database = f"sqlite:///{folder / 'revela.db'}"
    upgrade(database)
    fake = FakeRunPod(_runner(folder))
    async with fake.serving() as endpoint_url:

        def make_app(base_url: str) -> Starlette:
            return create_app(_settings(folder, base_url, endpoint_url))

        async with serving_here(make_app=make_app) as base_url:
            store = Store(database)
            signer = _settings(folder, base_url, endpoint_url).signer()
            key = await create_key(store, signer, SystemClock(), "fuzz", Tenant("acme"), SCOPES)
            await store.close()
            yield base_url, key.key


def _settings(folder: Path, base_url: str, endpoint_url: str) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=folder,
        public_url=base_url,
        endpoint_url=endpoint_url,
        RUNPOD_API_KEY=API_KEY,
        operation_packages="tests.fuzz",
        compat_wait_s=LONGEST_HOLD_S,
        rate_limit="none",
        failed_key_limit="none",
    )


def _runner(folder: Path) -> Callable[[dict[str, Any], Callable[[Any], None]], Any]:
    """Return what runs a task: the real task runner, which knows the harmless operation alone."""
    registry = Registry({"note": RunnableOperation(contract.OPERATION, note.run)})
    machine = Machine(registry, folder, concurrency=2, threads_per_item=1, worker="fuzz-worker")

    async def execute(task_input: dict[str, Any], progress: Callable[[Any], None]) -> Any:
        order = WorkOrder.model_validate(task_input)

        def work() -> Any:
            return asyncio.run(run_task(order, machine, report=lambda _: None, cancel=CancelFlag()))

        return (await asyncio.to_thread(work)).model_dump(mode="json")

    return execute


def _hold_no_answer_long(patch: pytest.MonkeyPatch) -> None:
    for constant in ("jobs.read.MAX_WAIT_S", "jobs.submit.MAX_WAIT_S", "jobs.events.LONGEST_S"):
        patch.setattr(f"orchestrator.api.{constant}", LONGEST_HOLD_S)


def _resolve_only_this_machine(patch: pytest.MonkeyPatch) -> None:
    """Let no made-up webhook or source reach a stranger."""
    resolve = socket.getaddrinfo

    def local(host: Any, *rest: Any, **more: Any) -> Any:
        if host in ("127.0.0.1", "localhost", None):
            return resolve(host, *rest, **more)
        raise socket.gaierror(socket.EAI_NONAME, "no names here")

    patch.setattr(socket, "getaddrinfo", local)
