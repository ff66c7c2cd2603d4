"""Receiving a body: begun where there is room, written aside, published if it is still wanted then."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.storage.disk_threads import DiskThreads
from orchestrator.storage.port import ABANDONED_S, PUT_SLACK_MS, ListedObject, StoredObject
from orchestrator.storage.receiving.durable import Draft
from orchestrator.storage.receiving.grant import PutGrant
from orchestrator.storage.receiving.parts import PartDraft, PartsFolder
from orchestrator.storage.receiving.room import Claim, Room
from shared.clock import Clock
from shared.refusals import LinkExpired, RequestError

CHUNK_BYTES = 1 << 20
"""Uploads are written in pieces of this size: large enough that the way to a thread and back costs nothing."""

Awaited = Callable[[str], Awaitable[bool]]
"""Says whether an object is still to be sent; of a worker's it is asked only where there is one already."""

_INCOMING = "~incoming"
_PARTS = "~parts"
"""Hold unfinished uploads; `~` stands in no key."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A body that is being written, and the room that it has."""

    draft: Draft | PartDraft
    claim: Claim

    def write(self, chunks: Sequence[bytes]) -> None:
        size_bytes = sum(map(len, chunks))
        self.claim.before_write(size_bytes)
        self.draft.write(chunks)
        self.claim.written(size_bytes)

    def publish(self, target: Path) -> str:
        return self.draft.publish() if isinstance(self.draft, PartDraft) else self.draft.publish(target)

    def discard(self) -> None:
        try:
            self.draft.discard()
        finally:
            self.claim.release()


class Receiver:
    """Puts what is sent under `root`. Its plain methods raise OSError and may take long."""

    def __init__(self, root: Path, threads: DiskThreads, clock: Clock, awaited: Awaited | None) -> None:
        """Make its folders, and sweep what a server left in them that is there no more."""
        self._root = root
        self._incoming = root / _INCOMING
        self._incoming.mkdir(parents=True, exist_ok=True)
        self.parts = PartsFolder(root / _PARTS)
        self._threads = threads
        self._clock = clock
        self._awaited = awaited
        self._room = Room(self._incoming)
        self._in_hand: set[Path] = set()
        self.sweep()

    async def receive(self, grant: PutGrant, headers: Mapping[str, str], stream: AsyncIterator[bytes]) -> StoredObject:
        """Store a body whole or not at all. See `DiskStorage.receive`."""
        announced = grant.check_headers(headers)
        if self._clock.now_ms() >= grant.expires_ms:
            raise LinkExpired
        if grant.exact:
            await self._check_awaited(grant)
        arrival = await self._begun(grant, announced or 0)
        try:
            size_bytes = await self._write_all(arrival, stream, grant)
            if announced is not None and size_bytes != announced:
                raise RequestError("The body ended before its announced length.")
            await self._check_still_wanted(grant)
            etag = await self._threads.run(lambda: self._publish(arrival, grant))
        finally:
            # Not awaited with a chance to be cancelled: the file must go even when the client has.
            self._threads.begin(lambda: self._discard(arrival))
        return StoredObject(size_bytes, etag)

    def is_there(self) -> bool:
        """Return whether the disk is mounted."""
        return self._incoming.is_dir()

    def probe(self) -> None:
        """Write a file and remove it."""
        probe = self._draft()
        try:
            probe.write([b"probe"])
        finally:
            probe.discard()

    def drafts(self) -> list[ListedObject]:
        """Return what has not arrived whole, parts excepted: that which arrives just now, and what was left behind."""
        found = []
        for path in self._incoming.iterdir():
            with contextlib.suppress(FileNotFoundError):
                left = path.lstat()
                found.append(ListedObject(path.name, left.st_size, left.st_mtime_ns // 1_000_000))
        return found

    def sweep(self) -> int:
        """Remove what nobody sends any more; return how much there was of it."""
        swept = self.parts.sweep()
        for left in self.drafts():
            path = self._incoming / left.key
            if path not in self._in_hand and time.time() - left.modified_ms / 1000 > ABANDONED_S:
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    async def _begun(self, grant: PutGrant, announced_bytes: int) -> _Arrival:
        beginning = self._threads.begin(lambda: self._begin(grant, announced_bytes))
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:
            beginning.add_done_callback(self._discard_begun)
            raise

    def _discard_begun(self, beginning: "asyncio.Future[_Arrival]") -> None:
        """Let go of what was begun for somebody who is there no more."""
        if beginning.exception() is None:
            self._threads.begin(lambda: self._discard(beginning.result()))

    def _begin(self, grant: PutGrant, announced_bytes: int) -> _Arrival:
        """Open a file for an upload; StorageFull at once if it can't fit."""
        claim = self._room.claim(announced_bytes, into_reserve=not grant.exact)
        try:
            if grant.multipart_id is not None:
                return _Arrival(self.parts.draft(grant.multipart_id, grant.n, grant.max_bytes), claim)
            draft = self._draft()
        except BaseException:
            claim.release()
            raise
        self._in_hand.add(draft.path)
        return _Arrival(draft, claim)

    def _draft(self) -> Draft:
        return Draft(self._incoming / secrets.token_hex(16))

    async def _write_all(self, arrival: _Arrival, stream: AsyncIterator[bytes], grant: PutGrant) -> int:
        waiting: list[bytes] = []
        waiting_bytes = size_bytes = 0
        async for chunk in stream:
            size_bytes += len(chunk)
            if size_bytes > grant.max_bytes:
                raise grant.too_large()
            waiting.append(chunk)
            waiting_bytes += len(chunk)
            if waiting_bytes >= CHUNK_BYTES:
                await self._threads.run(lambda full=tuple(waiting): arrival.write(full))  # type: ignore[misc]
                waiting, waiting_bytes = [], 0
        await self._threads.run(lambda: arrival.write(waiting))
        return size_bytes

    async def _check_still_wanted(self, grant: PutGrant) -> None:
        """Raise LinkExpired for a body that took too long, or whose upload has ended meanwhile."""
        if self._clock.now_ms() >= grant.expires_ms + PUT_SLACK_MS:
            raise LinkExpired
        target = self._root / grant.key
        if grant.exact or await self._threads.run(target.exists):
            await self._check_awaited(grant)

    async def _check_awaited(self, grant: PutGrant) -> None:
        if self._awaited is not None and not await self._awaited(grant.key):
            raise LinkExpired("Nothing is awaited at this address any more.")

    def _publish(self, arrival: _Arrival, grant: PutGrant) -> str:
        return arrival.publish(self._root / grant.key)

    def _discard(self, arrival: _Arrival) -> None:
        try:
            arrival.discard()
        finally:
            if isinstance(arrival.draft, Draft):
                self._in_hand.discard(arrival.draft.path)
