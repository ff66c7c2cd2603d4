"""One task, from its work order to its manifest; knows no vendor."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from shared.clock import SystemClock
from shared.errors import JobError, OperationUnsupported, OrderUnsupported, WorkCancelled, WorkTimedOut
from shared.fetch_guard import guarded_session
from shared.wire.progress import ProgressSnapshot
from shared.wire.result import ItemResult, Manifest, TaskReply
from shared.wire.work_order import WORK_ORDER_VERSION, ItemOrder, WorkOrder
from worker.context import CancelFlag
from worker.item import ItemRun, PreparedItem, Workbench, failed, job_error
from worker.progress import TaskProgress
from worker.registry import Registry, RunnableOperation
from worker.task_folder import task_folder
from worker.transfer.connection import own_session
from worker.transfer.fetch import Clients, Sources
from worker.transfer.renewal import Renewals
from worker.transfer.upload import Uploader

LOOK_EVERY_S = 0.1
"""How often the order to stop, the time limit and the progress are looked at."""
MIN_AHEAD = 2
"""How many items beyond those that run may be on disk, being fetched or uploaded; else as many as run."""
CLOSING_SHARE, MAX_CLOSING_S = 0.1, 10.0
"""Of the time limit, what is kept to stop and to write the manifest."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Machine:
    """What this worker is and can do; the same for every task."""

    registry: Registry
    work_dir: Path
    concurrency: int
    threads_per_item: int
    worker: str = ""
    gpu: str = ""


async def run_task(
    order: WorkOrder, machine: Machine, *, report: Callable[[ProgressSnapshot], None], cancel: CancelFlag
) -> TaskReply:
    """Do the work of `order`, each item by itself, then write the manifest; return the reference to it.

    `report` is called in this loop, at most twice a second, never after the return. WorkCancelled when `cancel`
    was set (nothing is committed from then on), UploadFailed when the manifest can't be stored. Whatever befalls
    an item stands in the manifest. Needs an event loop of its own: small file accesses block it.
    """
    start_s = time.monotonic()
    async with own_session() as own:
        uploader = Uploader(own, Renewals(own, order))
        results = await _results(order, machine, uploader, report, cancel)
        if cancel.is_set:
            raise WorkCancelled
        manifest = Manifest(
            task_id=order.task_id,
            attempt=order.attempt,
            items=results,
            execution_ms=round((time.monotonic() - start_s) * 1000),
            worker=machine.worker,
            gpu=machine.gpu,
        )
        await uploader.document(order.manifest, manifest)
    succeeded = sum(result.status == "COMPLETED" for result in results)
    return TaskReply(
        task_id=order.task_id,
        attempt=order.attempt,
        manifest_key=order.manifest.key,
        succeeded=succeeded,
        failed=len(results) - succeeded,
    )


async def _results(
    order: WorkOrder,
    machine: Machine,
    uploader: Uploader,
    report: Callable[[ProgressSnapshot], None],
    cancel: CancelFlag,
) -> list[ItemResult]:
    try:
        operation = find_operation(order, machine.registry)
    except JobError as error:
        log.warning("order.unsupported", code=error.code, operation=order.operation, version=order.version)
        return [failed(order, item, error) for item in order.items]
    items = [_prepared(item, operation) for item in order.items]
    with task_folder(machine.work_dir) as folder:
        async with _workbench(order, operation, machine, uploader, folder, items) as bench:
            outcomes = await _run_items(bench, items, machine.concurrency, report, cancel)
    return [
        outcome if isinstance(outcome, ItemResult) else failed(order, item, outcome)
        for item, outcome in zip(order.items, outcomes, strict=True)
    ]


def find_operation(order: WorkOrder, registry: Registry) -> RunnableOperation:
    """Return what the order asks for; OrderUnsupported or OperationUnsupported if this image is older or newer."""
    if order.version != WORK_ORDER_VERSION:
        raise OrderUnsupported
    operation = registry.get(order.operation)
    if operation is None or operation.contract.version != order.operation_version:
        raise OperationUnsupported
    return operation


def _prepared(item: ItemOrder, operation: RunnableOperation) -> PreparedItem | JobError:
    try:
        return PreparedItem.of(item, operation.contract)
    except JobError as error:
        return error


@asynccontextmanager
async def _workbench(
    order: WorkOrder,
    operation: RunnableOperation,
    machine: Machine,
    uploader: Uploader,
    folder: Path,
    items: Sequence[PreparedItem | JobError],
) -> AsyncIterator[Workbench]:
    async with guarded_session(order.allow_private, only_hosts=order.source_hosts) as user:
        clients = Clients(uploader.session, user)
        sources = Sources(
            clients,
            order.inputs,
            folder,
            max_bytes=operation.contract.limits.max_input_bytes,
            timeout_s=order.limits.fetch_timeout_s,
            uses=[source for item in items if isinstance(item, PreparedItem) for source in item.sources],
            renewals=uploader.renewals,
        )
        try:
            yield Workbench(
                order=order,
                operation=operation,
                clients=clients,
                sources=sources,
                uploader=uploader,
                folder=folder,
                threads_per_item=machine.threads_per_item,
                running=asyncio.Semaphore(machine.concurrency),
                progress=TaskProgress([item.id for item in order.items]),
            )
        finally:
            await sources.close()


async def _run_items(
    bench: Workbench,
    items: Sequence[PreparedItem | JobError],
    concurrency: int,
    report: Callable[[ProgressSnapshot], None],
    cancel: CancelFlag,
) -> list[ItemResult | JobError]:
    """Run the items in order, some at once, until all ended, or the time or the patience is over."""
    in_hand = asyncio.Semaphore(concurrency + max(MIN_AHEAD, concurrency))

    async def run(index: int, item: PreparedItem | JobError) -> ItemResult | JobError:
        if isinstance(item, JobError):
            bench.progress.item(bench.order.items[index].id).update("finish", 1)
            return item
        async with in_hand:
            return await ItemRun(bench, item, bench.folder / f"item-{index}").execute()

    tasks = [asyncio.create_task(run(index, item)) for index, item in enumerate(items)]
    end_s = time.monotonic() + time_allowed_s(bench.order, SystemClock().now_ms())
    pending = set(tasks)
    while pending and not cancel.is_set and time.monotonic() < end_s:
        _, pending = await asyncio.wait(pending, timeout=LOOK_EVERY_S)
        bench.progress.report_if_due(report)
    for task in pending:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return [_outcome(task) for task in tasks]


def _outcome(task: asyncio.Task[ItemResult | JobError]) -> ItemResult | JobError:
    if task.cancelled():
        return WorkTimedOut()
    error = task.exception()
    return job_error(error) if error else task.result()


def time_allowed_s(order: WorkOrder, now_ms: int) -> float:
    """Return how long the items may take, so that there is time left to close the task properly."""
    left_s = min(order.limits.execution_timeout_s, (order.deadline_ms - now_ms) / 1000)
    return max(0.0, left_s - min(MAX_CLOSING_S, CLOSING_SHARE * left_s))
