"""Sending a file by tasks of an event loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import AsyncRetrying

from revela.client.api import calls
from revela.client.api.answers import connection_error
from revela.client.errors import NotFound
from revela.client.patience import Patience, Tries
from revela.client.uploads.note import UploadNote
from revela.client.uploads.permitted import ASK_FIRST_BYTES, check_permitted
from revela.client.uploads.sending import OnUpload, Sending, checked, read_sha256
from revela.client.uploads.source import SourceFile
from shared.uploads.upload import PartAddress, UploadState, UploadView


@dataclass(frozen=True, slots=True)
class AsyncUploader:
    """Begins, sends and completes as `Uploader` does; the file is read in threads."""

    server_url: str
    call: Callable[..., Awaitable[Any]]
    links: httpx.AsyncClient
    patience: Patience

    async def upload(self, source: SourceFile, concurrency: int, on_progress: OnUpload | None) -> UploadView:
        """Send a file; what an earlier run has sent of it is not sent again."""
        note = await asyncio.to_thread(UploadNote, self.server_url, source)
        upload = await self._begun(note) or await self._begin(source, note, on_progress)
        if upload.state is UploadState.WAITING:
            await self._send(Sending(source, upload, on_progress), concurrency)
            completed: UploadView = await self.call(calls.complete_upload(upload.id))
            upload = checked(completed)
        await asyncio.to_thread(note.drop)
        return upload

    async def _begun(self, note: UploadNote) -> UploadView | None:
        if note.upload_id is None:
            return None
        try:
            known: UploadView = await self.call(calls.get_upload(note.upload_id))
        except NotFound:
            return None
        return known if known.state in (UploadState.WAITING, UploadState.COMPLETED) else None

    async def _begin(self, source: SourceFile, note: UploadNote, on_progress: OnUpload | None) -> UploadView:
        sha256 = note.sha256
        if sha256 is None:
            if source.size_bytes >= ASK_FIRST_BYTES:
                check_permitted(source, await self.call(calls.key()))
            sha256 = await asyncio.to_thread(read_sha256, source, on_progress)
        await self._keep(note, sha256, None)
        upload: UploadView = await self.call(calls.begin_upload(source.request(sha256)))
        await self._keep(note, sha256, upload.id)
        return upload

    async def _keep(self, note: UploadNote, sha256: str, upload_id: str | None) -> None:
        await asyncio.to_thread(lambda: note.keep(sha256=sha256, upload_id=upload_id))

    async def _send(self, sending: Sending, concurrency: int) -> None:
        slots = asyncio.Semaphore(concurrency)

        async def send(n: int) -> None:
            async with slots:
                await self._send_part(sending, n)

        tasks = [asyncio.ensure_future(send(n)) for n in sending.left]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(sending.finish)

    async def _send_part(self, sending: Sending, n: int) -> None:
        async for attempt in AsyncRetrying(**Tries(self.patience).rules()):
            with attempt:
                while (address := sending.take_address(n)) is None:
                    sending.learn(await self.call(calls.get_upload(sending.upload_id, sending.asked_for(n))))
                await self._put(sending, n, address)

    async def _put(self, sending: Sending, n: int, address: PartAddress) -> None:
        headers = {**address.headers, "Content-Length": str(address.size_bytes)}
        try:
            response = await self.links.put(address.url, content=_read(sending, n), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as failed:
            raise connection_error(httpx.URL(address.url).host, failed) from failed
        sending.answered(n, response)


async def _read(sending: Sending, n: int) -> AsyncIterator[bytes]:
    pieces = sending.pieces(n)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
