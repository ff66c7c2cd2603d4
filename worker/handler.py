"""The border to the platform: RunPod's SDK takes the jobs, `run_task` does them. Nothing else imports runpod."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import runpod
import structlog
from pydantic import ValidationError

from shared.errors import JobError, OrderUnsupported, SettingsError, WorkCancelled
from shared.logs import configure_logs
from shared.wire.problem import ErrorInfo
from shared.wire.progress import ProgressSnapshot
from shared.wire.work_order import WorkOrder
from worker.context import CancelFlag
from worker.item import STOP_GRACE_S, job_error
from worker.lifeline import die_with_parent
from worker.registry import Registry
from worker.run_task import Machine, run_task
from worker.settings import WorkerSettings
from worker.task_folder import sweep_task_folders, task_folder
from worker.threads import stuck_threads

PROGRESS_DRAIN_S = 10.0
"""How long to wait for the last progress to arrive before the result is returned."""
_GPU_QUERY_S = 5.0
Job = dict[str, Any]
Reply = dict[str, Any]
log = structlog.get_logger()


class ProgressSender:
    """Sends snapshots through the SDK, one at a time, and none after `close`.

    The SDK posts each from a thread of its own to the very address of the result: two could overtake each other,
    and one that is still under way could land after the result.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._closed = False

    def send(self, snapshot: ProgressSnapshot) -> None:
        """Start to send; dropped while an earlier one is under way, as each holds all that came before."""
        if not self._closed and not _progress_threads():
            runpod.serverless.progress_update(self._job, snapshot.model_dump(mode="json"))

    async def close(self) -> None:
        """Send no more, and wait until the last one has arrived."""
        self._closed = True
        end_s = time.monotonic() + PROGRESS_DRAIN_S
        for thread in _progress_threads():
            await asyncio.to_thread(thread.join, max(0.0, end_s - time.monotonic()))


def _progress_threads() -> list[threading.Thread]:
    """Return the SDK's threads that still post; Python names a thread after its target."""
    return [thread for thread in threading.enumerate() if thread.name.endswith("(_thread_target)")]


def make_handler(machine: Machine) -> Callable[[Job], Awaitable[Reply]]:
    """Return the async function that the SDK calls for each job."""

    async def handler(job: Job) -> Reply:
        return await handle(job, machine, ProgressSender(job))

    return handler


async def handle(job: Job, machine: Machine, progress: ProgressSender) -> Reply:
    """Run the work order in `job["input"]`; return a TaskReply, or ``{"error": ErrorInfo as JSON text}``.

    The work has a thread and a loop of its own, so that the SDK's loop stays free to ping, to hear of a stop and
    to notice closed connections. A stop arrives as CancelledError; then nothing is returned, and the SDK posts
    nothing.
    """
    cancel = CancelFlag()
    work = asyncio.ensure_future(asyncio.to_thread(_work, job.get("input"), machine, progress, cancel))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        cancel.set()
        await asyncio.wait({work}, timeout=STOP_GRACE_S + 1)
        raise
    finally:
        await progress.close()


def _work(document: object, machine: Machine, progress: ProgressSender, cancel: CancelFlag) -> Reply:
    """Return the reply as plain JSON data, whatever happens: what the SDK can't serialise it never posts."""
    try:
        reply = _run(WorkOrder.model_validate(document), machine, progress, cancel)
        json.dumps(reply, allow_nan=False)
    except ValidationError:
        reply = _error(OrderUnsupported())
    except JobError as error:
        reply = _error(error)
    except BaseException as error:  # noqa: BLE001 SystemExit too: it would end the worker with nothing posted
        reply = _error(job_error(error))
    if stuck := stuck_threads():
        # The SDK turns this into stopPod: the platform replaces this worker.
        log.warning("worker.refresh_asked", threads=stuck)
        reply["refresh_worker"] = True
    return reply


def _run(order: WorkOrder, machine: Machine, progress: ProgressSender, cancel: CancelFlag) -> Reply:
    with structlog.contextvars.bound_contextvars(job_id=order.job_id, task_id=order.task_id, attempt=order.attempt):
        log.info("task.started", operation=order.operation, items=len(order.items))
        # Not at the start: the worker that replaces a killed one starts while its folder still counts as new.
        sweep_task_folders(machine.work_dir)
        try:
            reply = asyncio.run(run_task(order, machine, report=progress.send, cancel=cancel))
        except WorkCancelled:
            log.info("task.cancelled")
            raise
        log.info("task.ended", succeeded=reply.succeeded, failed=reply.failed)
    return reply.model_dump(mode="json")


def _error(error: JobError) -> Reply:
    return {"error": ErrorInfo.of(error).model_dump_json()}


def gpu_name() -> str:
    """Return the first GPU's name as nvidia-smi tells it, or nothing."""
    try:
        listing = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=_GPU_QUERY_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    # A line reads like: GPU 0: NVIDIA L4 (UUID: …)
    return listing.partition("\n")[0].partition(": ")[2].partition(" (UUID")[0]


def build_machine(settings: WorkerSettings) -> Machine:
    """Import all operations and look at the machine; SettingsError."""
    return Machine(
        registry=Registry.discover(settings.operation_packages),
        work_dir=settings.work_dir,
        concurrency=settings.concurrency,
        threads_per_item=settings.threads_per_item,
        worker=settings.worker_id,
        gpu=gpu_name(),
    )


def check_fitness(machine: Machine) -> None:
    """Raise if this worker could do nothing: SettingsError without an operation, OSError without a place to work."""
    if not machine.registry:
        raise SettingsError("no operation can be imported")
    with task_folder(machine.work_dir):
        pass


def main() -> None:
    """Start the worker loop; it ends on SIGTERM, after the running task."""
    try:
        settings = WorkerSettings()
        configure_logs(settings.log_format)
        if settings.die_with_parent:
            die_with_parent()
        machine = build_machine(settings)
    except (SettingsError, ValidationError) as error:
        sys.exit(f"The worker can't start: {error}")
    log.info("worker.started", operations=sorted(machine.registry), gpu=machine.gpu, concurrency=machine.concurrency)

    @runpod.serverless.register_fitness_check  # type: ignore[untyped-decorator]
    def fitness() -> None:
        check_fitness(machine)

    runpod.serverless.start({"handler": make_handler(machine)})


if __name__ == "__main__":
    main()
