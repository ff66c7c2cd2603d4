"""Comparing the storage with the database: objects without a row, rows without their objects; and mending it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from orchestrator.storage.keys import is_ours, job_prefix_of
from orchestrator.storage.port import ABANDONED_S, KeepsDrafts, ListedObject, Storage
from orchestrator.store.keeping import inventory
from orchestrator.store.keeping.inventory import KeptJob, KeptOutput, KeptUpload
from orchestrator.store.store import Store

GRACE_S = 86_400
"""A younger object is no orphan: it may be one whose row is still being written, or a database that is behind."""

T = TypeVar("T")

_ROWS_AT_ONCE = 100
_ASKED_AT_ONCE = 8


@dataclass
class Heap:
    """Some objects: how many, how large."""

    objects: int = 0
    size_bytes: int = 0

    def add(self, found: ListedObject) -> None:
        """Count one more."""
        self.objects += 1
        self.size_bytes += found.size_bytes


@dataclass
class Comparison:
    """What was found."""

    stored: Heap = field(default_factory=Heap)
    owned: Heap = field(default_factory=Heap)
    fresh: Heap = field(default_factory=Heap)
    """Objects without a row that are too young to be called orphans."""
    orphans: dict[str, Heap] = field(default_factory=dict)
    """By ``{tenant}/{job}``, or by the key where no job's."""
    foreign: Heap = field(default_factory=Heap)
    """Objects that are not named as ours are: never touched."""
    arriving: Heap = field(default_factory=Heap)
    """What is on its way into a storage that keeps it aside until it is whole."""
    abandoned: Heap = field(default_factory=Heap)
    """What was left behind on its way: a server sweeps it by itself."""
    lost_outputs: list[KeptOutput] = field(default_factory=list)
    lost_uploads: list[KeptUpload] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing has to be mended."""
        return not (self.orphans or self.lost_outputs or self.lost_uploads)

    @property
    def strangers(self) -> bool:
        """Whether storage and database have nothing in common: one of them is probably the wrong one."""
        return not self.sound and not self.owned.objects


@dataclass
class Mended:
    """What was done."""

    deleted: Heap = field(default_factory=Heap)
    outputs_marked: int = 0
    uploads_marked: int = 0


@dataclass(frozen=True)
class StorageCheck:
    """A storage beside the database that should know it, at `now_ms`."""

    store: Store
    storage: Storage
    now_ms: int
    grace_s: float = GRACE_S

    async def compare(self) -> Comparison:
        """Look at every object and every row; nothing is changed."""
        found = Comparison()
        async for page in self.storage.list_under(""):
            await self._sort(page, found)
        if isinstance(self.storage, KeepsDrafts):
            for draft in await self.storage.drafts():
                left = draft.modified_ms <= self.now_ms - ABANDONED_S * 1000
                (found.abandoned if left else found.arriving).add(draft)
        async for _, outputs in self._lost_outputs():
            found.lost_outputs += outputs
        found.lost_uploads = [upload async for upload in self._lost_uploads()]
        return found

    async def repair(self, found: Comparison) -> Mended:
        """Delete the orphans, mark what is lost; what is on legal hold stays as it is."""
        mended = Mended()
        if found.orphans:
            await self._delete_orphans(mended)
        async for job, outputs in self._lost_outputs():
            mark = partial(inventory.mark_outputs_lost, job=job, lost=outputs, now_ms=self.now_ms)
            mended.outputs_marked += await self.store.write(mark)
        async for upload in self._lost_uploads():
            end = partial(inventory.mark_upload_lost, upload=upload, now_ms=self.now_ms)
            mended.uploads_marked += await self.store.write(end)
        return mended

    async def _sort(self, page: Sequence[ListedObject], found: Comparison) -> None:
        # The rows are read after the list: an object never comes before the row that it belongs to.
        keys = [listed.key for listed in page]
        owned = await self.store.read(lambda connection: inventory.owned_keys(connection, keys))
        for listed in page:
            found.stored.add(listed)
            if not is_ours(listed.key):
                found.foreign.add(listed)
            elif listed.key in owned:
                found.owned.add(listed)
            elif self._is_fresh(listed):
                found.fresh.add(listed)
            else:
                found.orphans.setdefault(job_prefix_of(listed.key) or listed.key, Heap()).add(listed)

    def _is_fresh(self, listed: ListedObject) -> bool:
        return listed.modified_ms > self.now_ms - self.grace_s * 1000

    async def _delete_orphans(self, mended: Mended) -> None:
        async for page in self.storage.list_under(""):
            old = {one.key: one for one in page if is_ours(one.key) and not self._is_fresh(one)}
            if not old:
                continue
            sizes = {key: listed.size_bytes for key, listed in old.items()}
            orphans = await self.store.write(partial(inventory.record_orphans, keys=sizes, now_ms=self.now_ms))
            await self._side_by_side([self.storage.delete(key) for key in orphans])
            for key in orphans:
                mended.deleted.add(old[key])

    async def _lost_outputs(self) -> AsyncIterator[tuple[KeptJob, list[KeptOutput]]]:
        after_id = ""
        while jobs := await self.store.read(
            partial(inventory.kept_jobs, after_id=after_id, now_ms=self.now_ms, limit=_ROWS_AT_ONCE)
        ):
            lost = await self._side_by_side([self._lost_of(job) for job in jobs])
            for job, outputs in zip(jobs, lost, strict=True):
                if outputs:
                    yield job, outputs
            after_id = jobs[-1].id

    async def _lost_of(self, job: KeptJob) -> list[KeptOutput]:
        read = partial(inventory.kept_outputs, job_id=job.id, now_ms=self.now_ms)
        before = await self.store.read(read)
        there = {one.key async for page in self.storage.list_under(f"{job.tenant}/{job.id}") for one in page}
        if all(output.key in there for output in before):
            return []
        # Who deletes the job, or whose time is over, meanwhile has lost nothing.
        return [output for output in await self.store.read(read) if output in before and output.key not in there]

    async def _lost_uploads(self) -> AsyncIterator[KeptUpload]:
        after_id = ""
        while uploads := await self.store.read(partial(inventory.kept_uploads, after_id=after_id, limit=_ROWS_AT_ONCE)):
            heads = await self._side_by_side([self.storage.head(upload.key) for upload in uploads])
            for upload, head in zip(uploads, heads, strict=True):
                if head is None:
                    yield upload
            after_id = uploads[-1].id

    @staticmethod
    async def _side_by_side(asked: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        gate = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def ask(one: Coroutine[Any, Any, T]) -> T:
            async with gate:
                return await one

        return list(await asyncio.gather(*map(ask, asked)))
