"""Being a worker of a pool: the same worker as on RunPod runs as a child, with a gate between it and the pool."""

import asyncio
import re
import signal
from collections.abc import Coroutine
from typing import Any

import structlog
from pydantic import ValidationError

from revela.failures import SomethingBroken, UsageFault
from revela.worker_gate.address import pool_address
from revela.worker_gate.child import sdk_worker
from revela.worker_gate.gate import Gate
from revela.worker_gate.joining import refusal, wait_for_pool
from revela.worker_gate.pool_link import PoolLink, pool_link
from shared.logs import configure_logs
from worker.settings import WorkerSettings

_WORKER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RENEWAL_PAUSE_S = 3.0
"""A pool takes a worker for a new one after 2 s without a poll."""
_STUCK_S = 5.0
log = structlog.get_logger()


class _Orders:
    """What signals have asked for: to end after the running task, or at once (a second Ctrl-C)."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.die = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.end.set)
        loop.add_signal_handler(signal.SIGINT, self._interrupted)

    def _interrupted(self) -> None:
        (self.die if self.end.is_set() else self.end).set()


def join_pool(url: str, worker_id: str, token: str) -> None:
    """Work for the pool at `url` until told to end; an absent pool is waited for.

    UsageFault if the address is no pool's, the id or token can't be, or the pool refuses the token; SomethingBroken
    if the worker dies.
    """
    pool_url = pool_address(url)
    if not _WORKER_ID.fullmatch(worker_id):
        raise UsageFault(f"--id {worker_id}: a worker's id is 1 to 64 of A-Z, a-z, 0-9, - and _")
    if not (token.isascii() and token.isprintable()):
        raise UsageFault("the token holds characters that no token has; it is what `revela keys worker` printed")
    try:
        configure_logs(WorkerSettings().log_format)
    except ValidationError as wrong:
        raise UsageFault(f"the worker can't start: {wrong}") from wrong
    asyncio.run(_join(pool_url, worker_id, token))


async def _join(pool_url: str, worker_id: str, token: str) -> None:
    orders = _Orders()
    async with pool_link(pool_url, worker_id, token) as link:
        if await _first(wait_for_pool(link), orders.end.wait()) == 0:
            await _work(link, orders)


async def _work(link: PoolLink, orders: _Orders) -> None:
    gate = Gate(link)
    announcing = asyncio.ensure_future(_announce(gate, link))
    async with gate.listening() as gate_url:
        while True:
            code = await _run_child(gate, gate_url, link.worker_id, orders)
            if orders.end.is_set() or not gate.renewal.is_set():
                break
            log.info("worker.replaced")
            if await _first(orders.end.wait(), asyncio.sleep(_RENEWAL_PAUSE_S)) == 0:
                break
            gate.renewed()
        await _first(gate.settle(), orders.die.wait())
    announcing.cancel()
    print(f"left {link.pool_url}, tasks delivered: {gate.delivered}", flush=True)
    if gate.refused.is_set():
        raise refusal(link.worker_id)
    if orders.die.is_set():
        raise SomethingBroken("the worker was killed at once; if it had a task, another worker gets it")
    if not orders.end.is_set():
        raise SomethingBroken(f"the worker ended by itself with code {code}; its last lines tell why")


async def _run_child(gate: Gate, gate_url: str, worker_id: str, orders: _Orders) -> int | None:
    """Run one worker until it has ended or is to end; return its exit code."""
    async with sdk_worker(gate_url, worker_id, gate.key) as child:
        await _first(child.wait(), orders.end.wait(), gate.refused.wait(), gate.renewal.wait())
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
            gate.end_polls()
            await _first(child.wait(), orders.die.wait(), _patience(gate))
    return child.returncode


async def _patience(gate: Gate) -> None:
    """Wait for as long as a worker is given to end: one in which something hangs can't."""
    await gate.renewal.wait()
    await asyncio.sleep(_STUCK_S)


async def _announce(gate: Gate, link: PoolLink) -> None:
    await gate.asked.wait()
    print(f"joined {link.pool_url} as {link.worker_id}, waiting for work", flush=True)


async def _first(*waits: Coroutine[Any, Any, object]) -> int:
    """Return which of `waits` ended first, by its place; the others are cancelled, an error of the first is raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        first = next(task for task in tasks if task.done())
        first.result()
        return tasks.index(first)
    finally:
        for task in tasks:
            task.cancel()
