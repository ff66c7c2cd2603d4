"""How fast tasks go the whole way, and how soon a caller hears of their end."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.load import limits
from bench.load.disk import file_sets_per_s
from bench.load.hooked import hooked_jobs
from bench.load.process import free_port
from bench.load.served import BODY, SDK_WORKER, WORKERS, Served, served
from bench.load.stand_in import stand_ins
from bench.load.stored import OPERATIONS
from shared.worker_environment import runpod_environment

_START_S = 30.0


def tasks(here: Served, seconds: float) -> None:
    """Print tasks per second from a full queue to completed jobs: by stand-ins, and by one SDK worker."""
    with tempfile.TemporaryDirectory(dir=here.folder) as name:
        files = file_sets_per_s(Path(name), 1.0)
    with stand_ins(here.endpoint_url, here.tokens, here.folder / "done.json"):
        _until_one_more_is_done(here)
        before = here.process.work()
        rate = _completed_per_s(here, seconds)
        after = here.process.work()
        with limits.sampling(here.samples):
            time.sleep(2)
    print(f"no-op tasks, the whole way, {WORKERS} stand-in workers: {rate:.0f}/s")
    print(f"  limited by: {limits.cores(before, after)}")
    for line in limits.doing(here.samples):
        print(f"    {line}")
    print(f"  beside it: the three files of a task, written durably one after the other, {files:.0f} sets/s")
    with _sdk_worker(here):
        _until_one_more_is_done(here)
        sdk = _completed_per_s(here, seconds)
    print(
        f"  one real SDK worker: {sdk:.1f}/s; it takes no task while one runs, and looks for the end once a second: "
        f"{rate / max(sdk, 0.1):.0f} of them would keep this server busy\n"
    )


def lag(jobs: int) -> bool:
    """Print how long after a worker's job-done its job's webhook arrives; return whether the aim was kept."""
    kept = True
    port = free_port()
    for at_once in (1, 4):
        with (
            served(0, allow=f"127.0.0.1:{port}") as here,
            stand_ins(here.endpoint_url, here.tokens, here.folder / "done.json") as workers,
        ):
            arrived_s = hooked_jobs(here.url, here.prepared.key, port, BODY, jobs, at_once)
        lags_ms = sorted(1000 * (arrived_s[job_id] - workers.done_s[job_id]) for job_id in arrived_s)
        middle, late = lags_ms[len(lags_ms) // 2], lags_ms[int(0.99 * len(lags_ms))]
        kept &= len(lags_ms) == jobs and middle < 100 and late < 500
        print(
            f"relay lag, job-done to webhook, {jobs} jobs, {at_once} at a time: p50 {middle:.0f} ms, p99 {late:.0f} ms"
        )
    return kept


def _completed_per_s(here: Served, seconds: float) -> float:
    start = time.time_ns() // 1_000_000
    time.sleep(seconds)
    end = time.time_ns() // 1_000_000
    return 1000 * sum(start <= at_ms < end for at_ms in here.completed()) / (end - start)


def _until_one_more_is_done(here: Served) -> None:
    known = len(here.completed())
    _until(lambda: len(here.completed()) > known)


def _until(happened: Callable[[], bool]) -> None:
    end_s = time.monotonic() + _START_S
    while not happened():
        if time.monotonic() > end_s:
            raise RuntimeError("the workers do nothing")
        time.sleep(0.1)


@contextlib.contextmanager
def _sdk_worker(here: Served) -> Iterator[None]:
    """Run one real worker beside the server."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("REVELA_", "RUNPOD_"))}
    environment |= runpod_environment(here.endpoint_url, SDK_WORKER, here.prepared.tokens[SDK_WORKER])
    environment |= {"REVELA_OPERATION_PACKAGES": OPERATIONS, "REVELA_WORK_DIR": str(here.folder)}
    with (here.folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker.handler"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)
