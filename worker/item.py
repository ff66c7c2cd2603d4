"""One item, from its order to its commit: fetch, run, upload, write result.json."""

import asyncio
import errno
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from pydantic import ValidationError
from yarl import URL

from shared.errors import (
    JobError,
    OperationFailed,
    OperationUnsupported,
    OrderUnsupported,
    OutputTooLarge,
    WorkCancelled,
    WorkerDiskFull,
    WorkTimedOut,
)
from shared.operation import AnyOperation, Slot
from shared.wire.media_input import MediaInput, media_inputs
from shared.wire.model import WireModel
from shared.wire.problem import ErrorInfo
from shared.wire.result import ItemResult, StoredOutput
from shared.wire.work_order import ItemOrder, WorkOrder
from worker.context import CancelFlag, LocalFile
from worker.progress import ItemProgress, TaskProgress
from worker.registry import RunnableOperation
from worker.threads import start_thread
from worker.transfer.fetch import Clients, Sources
from worker.transfer.upload import Uploader

STOP_GRACE_S = 3.0
"""How long an operation may take to obey before its thread is left behind."""
_COMMITTED_CHECK = aiohttp.ClientTimeout(total=15)
_RUN_SHARE = 0.95
"""What of an item's progress is the run; the rest is the upload."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """An item whose order fits the contract."""

    order: ItemOrder
    params: Any
    sources: tuple[MediaInput, ...]
    slots: tuple[Slot, ...]

    @classmethod
    def of(cls, order: ItemOrder, contract: AnyOperation) -> "PreparedItem":
        """Read the params; OperationUnsupported if they don't fit, OrderUnsupported if a slot has no grant."""
        try:
            params = contract.params.model_validate(order.params)
        except ValidationError as error:
            where = "/".join(str(part) for part in error.errors()[0]["loc"])
            raise OperationUnsupported(
                f"The parameters don't fit this worker's {contract.name}, at /{where}."
            ) from error
        slots = contract.slots(params)
        if missing := [slot.name for slot in slots if not slot.many and slot.name not in order.outputs]:
            raise OrderUnsupported(f"The work order grants no place for {', '.join(missing)}.")
        return cls(order, params, tuple(dict.fromkeys(media for _, media in media_inputs(params))), slots)


@dataclass(frozen=True, slots=True)
class Workbench:
    """What the items of one task share."""

    order: WorkOrder
    operation: RunnableOperation
    clients: Clients
    sources: Sources
    uploader: Uploader
    folder: Path
    threads_per_item: int
    running: asyncio.Semaphore
    progress: TaskProgress


@dataclass(slots=True)
class ItemContext:
    """What the operation is given; fulfils worker.context.Context."""

    cancel: CancelFlag
    threads: int
    _inputs: Mapping[str, LocalFile]
    _slots: Mapping[str, Slot]
    _folder: Path
    _progress: ItemProgress
    further_files: dict[str, int] = field(default_factory=dict)
    """How many there are by now, by slot."""

    def input(self, media: MediaInput) -> LocalFile:
        """Return the fetched file of a media input of the params."""
        return self._inputs[media]

    def output(self, slot: str) -> Path:
        """Return where the file of `slot` belongs."""
        return self._folder / self._slots[slot].filename

    def further(self, slot: str) -> Path:
        """Return where the next file of `slot` belongs."""
        n = self.further_files.get(slot, 0)
        try:
            one = self._slots[slot].numbered(n)
        except IndexError as error:
            raise OutputTooLarge(f"The operation makes more than {n} files for {slot}.") from error
        self.further_files[slot] = n + 1
        return self._folder / one.filename

    def scratch(self, name: str) -> Path:
        """Return a path for a temporary file; ValueError unless `name` is a plain file name."""
        if Path(name).name != name:
            raise ValueError("a scratch file needs a plain name")
        return self._folder / f"scratch-{name}"

    def progress(self, stage: str, fraction: float) -> None:
        """Say how far the item is."""
        self._progress.update(stage, fraction * _RUN_SHARE)


@dataclass(slots=True)
class ItemRun:
    """One item on its way."""

    bench: Workbench
    item: PreparedItem
    folder: Path
    _timings_s: dict[str, float] = field(default_factory=dict)

    @property
    def _progress(self) -> ItemProgress:
        return self.bench.progress.item(self.item.order.id)

    async def execute(self) -> ItemResult:
        """Return how the item ended; raises nothing but CancelledError. Its files are gone afterwards."""
        try:
            result = await self._committed_before() or await self._attempt()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
            for source in self.item.sources:
                self.bench.sources.release(source)
        self._progress.update("finish", 1.0)
        return result

    async def _committed_before(self) -> ItemResult | None:
        """Return the result that this very attempt has stored already: the platform may deliver an order twice."""
        try:
            async with self.bench.clients.own.get(
                URL(self.item.order.committed_url, encoded=True), timeout=_COMMITTED_CHECK
            ) as response:
                if response.status != 200:
                    return None
                found = ItemResult.model_validate_json(await response.read())
        except (aiohttp.ClientError, TimeoutError, ValidationError) as error:
            log.warning("item.commit_unreadable", item_id=self.item.order.id, error=type(error).__name__)
            return None
        wanted = (self.bench.order.task_id, self.bench.order.attempt, self.item.order.id)
        if (found.task_id, found.attempt, found.item_id) != wanted:
            return None
        self._progress.committed = True
        return found

    async def _attempt(self) -> ItemResult:
        """Do the work and commit what came of it.

        A failure that may pass is not committed, so that a later attempt runs the item again.
        """
        try:
            result = await self._work()
        except Exception as error:  # noqa: BLE001 one failed item never fails its neighbours
            result = failed(self.bench.order, self.item.order, job_error(error), self._timings_s)
        log.info("item.ended", item_id=result.item_id, status=result.status, code=result.error and result.error.code)
        if result.error and result.error.retryable:
            return result
        try:
            await self.bench.uploader.document(self.item.order.result, result)
        except JobError as error:
            # An answer that was lost is no refusal: what lies in storage is what counts.
            return await self._committed_before() or failed(self.bench.order, self.item.order, error, self._timings_s)
        self._progress.committed = True
        return result

    async def _work(self) -> ItemResult:
        self.folder.mkdir()
        async with self._stage("fetch"):
            files = await asyncio.gather(*(self.bench.sources.fetch(source) for source in self.item.sources))
        self._progress.update("queue", 0)
        async with self.bench.running, self._stage("run"):
            facts, further = await self._run(dict(zip(self.item.sources, files, strict=True)))
        async with self._stage("upload"):
            outputs = await self._upload(further)
        order = self.bench.order
        return ItemResult(
            task_id=order.task_id,
            attempt=order.attempt,
            item_id=self.item.order.id,
            status="COMPLETED",
            outputs=outputs,
            result=facts,
            timings_s=self._timings_s,
            operation_version=order.operation_version,
            engine_version=engine_version(),
        )

    @asynccontextmanager
    async def _stage(self, name: str) -> AsyncIterator[None]:
        self._progress.update(name, 0)
        start_s = time.monotonic()
        try:
            yield
        finally:
            self._timings_s[name] = round(time.monotonic() - start_s, 3)

    async def _run(self, inputs: Mapping[str, LocalFile]) -> tuple[dict[str, Any], dict[str, int]]:
        """Run the operation under its time limit; its own errors, WorkTimedOut, OperationFailed.

        Return its Result, and how many files it made for each slot with many.
        """
        contract = self.bench.operation.contract
        cancel = CancelFlag()
        slots = {slot.name: slot for slot in self.item.slots}
        context = ItemContext(cancel, self.bench.threads_per_item, inputs, slots, self.folder, self._progress)
        thread = start_thread(self.item.order.id, partial(self.bench.operation.run, self.item.params, context))
        try:
            done, _ = await asyncio.wait({thread}, timeout=contract.limits.timeout_s)
            if not done:
                raise WorkTimedOut(f"{contract.name} took longer than {contract.limits.timeout_s:g} s for one item.")
        finally:
            # However this ends (done, too late, task stopped), nothing of the item runs on.
            cancel.set()
            await asyncio.wait({thread}, timeout=STOP_GRACE_S)
        outcome = thread.result()
        if outcome.error is not None:
            raise job_error(outcome.error) from outcome.error
        return _document(outcome.value, contract), context.further_files

    async def _upload(self, further: Mapping[str, int]) -> dict[str, StoredOutput]:
        grants = dict(self.item.order.outputs)
        slots = [slot for slot in self.item.slots if not slot.many]
        for slot in self.item.slots:
            if count := further.get(slot.name, 0):
                grants |= await self.bench.uploader.further_grants(self.item.order.id, slot.name, count)
                slots += [slot.numbered(n) for n in range(count)]
        if missing := [slot.name for slot in slots if slot.name not in grants]:
            raise OrderUnsupported(f"There is no grant for {', '.join(missing)}.")
        uploads = [
            asyncio.create_task(
                self.bench.uploader.file(grants[slot.name], self.folder / slot.filename, slot.max_bytes)
            )
            for slot in slots
        ]
        try:
            stored = await asyncio.gather(*uploads)
        finally:
            for upload in uploads:  # If one failed, the others are in vain.
                upload.cancel()
        return {slot.name: output for slot, output in zip(slots, stored, strict=True)}


def failed(order: WorkOrder, item: ItemOrder, error: JobError, timings_s: dict[str, float] | None = None) -> ItemResult:
    """Return the result of an item that did not complete."""
    return ItemResult(
        task_id=order.task_id,
        attempt=order.attempt,
        item_id=item.id,
        status="FAILED",
        error=ErrorInfo.of(error),
        timings_s=timings_s or {},
        operation_version=order.operation_version,
        engine_version=engine_version(),
    )


def job_error(error: BaseException) -> JobError:
    """Return what is told of `error`: of one that nobody planned its class alone, the rest goes to the log."""
    match error:
        case WorkCancelled():
            # The flag was not set, or nobody would be listening.
            return OperationFailed("The operation stopped without being asked to.")
        case JobError():
            return error
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return WorkerDiskFull()
        case OSError(errno=errno.EFBIG):
            return OutputTooLarge()
        case MemoryError():
            return OperationFailed("The operation ran out of memory.")
        case _:
            log.error("operation.failed", exc_info=error)
            return OperationFailed(f"The operation failed unexpectedly ({type(error).__name__}).")


def _document(result: object, contract: AnyOperation) -> dict[str, Any]:
    """Return the operation's Result as JSON data; OperationFailed for anything else."""
    if not (isinstance(result, WireModel) and isinstance(result, contract.result)):
        raise OperationFailed(f"The operation returned {type(result).__name__} and not its Result.")
    return result.model_dump(mode="json")


@cache
def engine_version() -> str:
    """Return this package's version, as results keep it."""
    try:
        return version("revela")
    except PackageNotFoundError:
        return "unknown"
