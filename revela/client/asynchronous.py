"""The asynchronous client: the same calls and rules as the blocking one, awaited."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack
from uuid import uuid4

import httpx
from tenacity import AsyncRetrying

from revela.client.api import calls
from revela.client.api.answers import connection_error
from revela.client.api.calls import Call
from revela.client.api.event_stream import EventStream, StreamEvent
from revela.client.api.request import JobFields, job_request
from revela.client.connection import Connection
from revela.client.downloads.outputs import OnDownload, SavedOutput, Tally, planned_outputs
from revela.client.downloads.partial_file import OnBytes, PartialFile
from revela.client.downloads.places import place_of
from revela.client.patience import PATIENT, OnAway, Patience, Tries
from revela.client.uploads.asynchronous import AsyncUploader
from revela.client.uploads.sending import OnUpload
from revela.client.uploads.source import SourceFile
from revela.client.waiting import OnChange, Waiting
from shared.uploads.upload import UploadState, UploadView
from shared.wire.job import ItemView, JobView, ListedJob, OutputView
from shared.wire.keeping.audit import AuditEntry
from shared.wire.plan import JobPlan
from shared.wire.status import Status
from shared.wire.webhook import Delivery, RotatedSecret, WebhookOverview

T = TypeVar("T")


class AsyncClient:
    """A connection to one server with one key; use it as an asynchronous context manager.

    Each method does what the one of that name of `Client` does, and raises the same.

    >>> async def make_video() -> str:
    ...     async with AsyncClient() as client:
    ...         job = await client.submit("img2vid", input={"image": photo, "duration_s": 1})
    ...         job = await client.wait(job.id)
    ...         return job.items[0].output["video"].content_type
    >>> asyncio.run(make_video())
    'video/mp4'
    """

    def __init__(self, url: str | None = None, key: str | None = None, *, patience: Patience = PATIENT) -> None:
        """Take the same as `Client`."""
        connection = Connection.of(url, key)
        self.url = connection.url
        self._patience = patience
        self._http = httpx.AsyncClient(**connection.api_options())
        self._links = httpx.AsyncClient(**connection.link_options())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        await self._links.aclose()

    # --- handing in ---------------------------------------------------------------------------------------

    async def submit(
        self,
        operation: str | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[JobFields],
    ) -> JobView:
        """Store a job and return it, as `Client.submit` does."""
        return await self._call(calls.submit(job_request(operation, **fields), idempotency_key or str(uuid4())))

    async def plan(self, operation: str | Mapping[str, Any], **fields: Unpack[JobFields]) -> JobPlan:
        """Return what a job would be; nothing is stored or spent."""
        return await self._call(calls.plan(job_request(operation, **fields)))

    # --- looking ------------------------------------------------------------------------------------------

    async def get(self, job_id: str, *, wait_s: float = 0) -> JobView:
        """Return a job with its first 100 items; with `wait_s` (25 at most) the answer is held until it has ended."""
        return await self._call(calls.get(job_id, wait_s))

    async def wait(
        self,
        job_id: str,
        on_change: OnChange | None = None,
        *,
        poll_s: float = 1,
        timeout_s: float | None = None,
        patience: Patience | None = None,
        on_away: OnAway | None = None,
    ) -> JobView:
        """Return a job once it has ended, as `Client.wait` does."""
        waiting = Waiting(job_id, on_change, poll_s, timeout_s)
        while waiting.ended is None:
            waiting.saw(await self._call(waiting.next_call(), patience, on_away))
        return waiting.ended

    async def jobs(
        self,
        *,
        status: Status | str | None = None,
        operation: str | None = None,
        labels: Mapping[str, str] | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        page_size: int = 50,
    ) -> AsyncIterator[ListedJob]:
        """Yield jobs without their items, newest first, page by page; all that is given must hold."""
        call = calls.jobs(status, operation, labels, (created_after, created_before), page_size)
        while True:
            page = await self._call(call)
            for job in page.jobs:
                yield job
            if page.next_cursor is None:
                return
            call = call.after(page.next_cursor)

    async def items(self, job_id: str, *, status: Status | str | None = None) -> AsyncIterator[ItemView]:
        """Yield all items of a job, page by page."""
        call = calls.items(job_id, status)
        while True:
            page = await self._call(call)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            call = call.after(page.next_cursor)

    async def events(
        self, job_id: str, *, after: str | None = None, patience: Patience | None = None, on_away: OnAway | None = None
    ) -> AsyncIterator[StreamEvent]:
        """Yield what happened to a job and what happens, up to its end, as `Client.events` does."""
        stream = EventStream(job_id, after)
        tries = Tries(patience or self._patience, gained=lambda: stream.last_id, on_away=on_away)
        async for attempt in AsyncRetrying(**tries.rules()):
            with attempt:
                async for event in self._read_events(stream):
                    yield event

    async def operations(self) -> list[dict[str, Any]]:
        """Return the operations as the server describes them, with JSON Schemas; needs no key."""
        return await self._call(calls.operations())

    # --- acting -------------------------------------------------------------------------------------------

    async def cancel(self, job_id: str) -> JobView:
        """Stop a job; what it has finished stays."""
        return await self._call(calls.cancel(job_id))

    async def retry(self, job_id: str) -> JobView:
        """Return a new job of the items that did not complete; asked again, the same one."""
        return await self._call(calls.retry(job_id))

    async def delete(self, job_id: str) -> None:
        """Delete a job that has ended, with its outputs."""
        await self._call(calls.delete(job_id))

    async def pin(self, job_id: str) -> JobView:
        """Keep a job's outputs beyond their time."""
        return await self._call(calls.pin(job_id))

    async def unpin(self, job_id: str) -> JobView:
        """Let a job's outputs go when their time is over."""
        return await self._call(calls.unpin(job_id))

    async def hold(self, job_id: str, reason: str) -> JobView:
        """Put a job on legal hold: nothing of it may be deleted until it is released."""
        return await self._call(calls.hold(job_id, reason))

    async def release(self, job_id: str) -> JobView:
        """Release a job from its legal hold. Needs a key with the scope admin."""
        return await self._call(calls.release(job_id))

    async def audit(
        self, *, action: str | None = None, subject: str | None = None, page_size: int = 100
    ) -> AsyncIterator[AuditEntry]:
        """Yield who deleted, kept, made or ended what, newest first, as `Client.audit` does."""
        call = calls.audit(action, subject, page_size)
        while True:
            page = await self._call(call)
            for entry in page.entries:
                yield entry
            if page.next_cursor is None:
                return
            call = call.after(page.next_cursor)

    # --- webhooks -----------------------------------------------------------------------------------------

    async def deliveries(self, job_id: str) -> list[Delivery]:
        """Return what webhooks were told of a job, and every try of telling them."""
        return await self._call(calls.deliveries(job_id))

    async def redeliver(self, delivery_id: str) -> Delivery:
        """Send an event once more, at once; it keeps its id, so that a receiver knows it."""
        return await self._call(calls.redeliver(delivery_id))

    async def webhooks(self) -> WebhookOverview:
        """Return how old the secret is, and which addresses are in trouble."""
        return await self._call(calls.webhooks())

    async def rotate_webhook_secret(self, previous_valid_s: int | None = None) -> RotatedSecret:
        """Return a fresh secret; the present one signs beside it for so long. Needs a key with the scope admin."""
        return await self._call(calls.rotate_webhook_secret(previous_valid_s))

    # --- fetching -----------------------------------------------------------------------------------------

    async def download(
        self, output: OutputView, path: Path, *, on_bytes: Callable[[int], object] = lambda _: None
    ) -> Path:
        """Save an output at `path`, as `Client.download` does."""
        return await self._save(output, path, on_bytes)

    async def download_all(
        self,
        job_id: str,
        folder: Path,
        *,
        concurrency: int = 4,
        on_progress: OnDownload | None = None,
    ) -> list[SavedOutput]:
        """Save every output of a job in `folder`, several at once, as `Client.download_all` does."""
        items = [item async for item in self.items(job_id)]
        return await self.download_outputs(
            planned_outputs(items, folder), concurrency=concurrency, on_progress=on_progress
        )

    async def download_outputs(
        self, planned: Sequence[SavedOutput], *, concurrency: int = 4, on_progress: OnDownload | None = None
    ) -> list[SavedOutput]:
        """Save outputs at their places, as `Client.download_outputs` does."""
        tally, slots = Tally(planned, on_progress), asyncio.Semaphore(concurrency)
        places = frozenset(saved.path for saved in planned)

        async def save(saved: SavedOutput) -> SavedOutput:
            async with slots:
                await asyncio.to_thread(saved.path.parent.mkdir, parents=True, exist_ok=True)
                path = await self._save(saved.output, saved.path, tally.of(saved), places)
            tally.done(saved)
            return replace(saved, path=path)

        saving = [asyncio.ensure_future(save(saved)) for saved in planned]
        try:
            return await asyncio.gather(*saving)
        finally:
            for one in saving:
                one.cancel()
            await asyncio.gather(*saving, return_exceptions=True)

    # --- sending files ------------------------------------------------------------------------------------

    async def upload(
        self,
        path: Path,
        *,
        content_type: str | None = None,
        concurrency: int = 4,
        on_progress: OnUpload | None = None,
    ) -> UploadView:
        """Send a file straight to the server's storage and return the upload, as `Client.upload` does."""
        source = await asyncio.to_thread(SourceFile.of, path, content_type)
        uploader = AsyncUploader(self.url, self._call, self._links, self._patience)
        return await uploader.upload(source, concurrency, on_progress)

    async def get_upload(self, upload_id: str) -> UploadView:
        """Return an upload; while it waits, with what has arrived."""
        return await self._call(calls.get_upload(upload_id))

    async def uploads(self, *, state: UploadState | str | None = None) -> AsyncIterator[UploadView]:
        """Yield uploads, newest first, page by page."""
        call = calls.uploads(state)
        while True:
            page = await self._call(call)
            for upload in page.uploads:
                yield upload
            if page.next_cursor is None:
                return
            call = call.after(page.next_cursor)

    async def delete_upload(self, upload_id: str) -> None:
        """Delete an upload and its file. Conflict while a job needs it."""
        await self._call(calls.delete_upload(upload_id))

    # --- underneath ---------------------------------------------------------------------------------------

    async def _call(self, call: Call[T], patience: Patience | None = None, on_away: OnAway | None = None) -> T:
        tries = Tries(patience or self._patience, call.repeatable, on_away=on_away)
        async for attempt in AsyncRetrying(**tries.rules()):
            with attempt:
                return await self._ask(call, repeated=attempt.retry_state.attempt_number > 1)
        raise AssertionError("tenacity returns or raises")

    async def _ask(self, call: Call[T], *, repeated: bool) -> T:
        try:
            response = await self._http.request(**call.options())
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            raise connection_error(self.url, failed) from failed
        return call.result(response, repeated=repeated)

    async def _read_events(self, stream: EventStream) -> AsyncIterator[StreamEvent]:
        try:
            async with self._http.stream(**stream.options()) as response:
                if response.is_error:
                    await response.aread()
                stream.began(response)
                async for block in response.aiter_bytes():
                    for event in stream.read(block):
                        yield event
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            raise connection_error(self.url, failed) from failed
        stream.closed()

    async def _save(
        self, output: OutputView, path: Path, on_bytes: OnBytes, others: AbstractSet[Path] = frozenset()
    ) -> Path:
        place = await asyncio.to_thread(place_of, output, path, others)
        if place.is_whole:
            on_bytes(output.size_bytes)
            return place.path
        partial = PartialFile(output, place.path, on_bytes)
        tries = Tries(self._patience, gained=lambda: partial.furthest_bytes)
        return await AsyncRetrying(**tries.rules())(self._fetch, partial)

    async def _fetch(self, partial: PartialFile) -> Path:
        try:
            async with self._links.stream("GET", partial.url, headers=partial.headers()) as response:
                if response.is_error:
                    await response.aread()
                partial.began(response)
                if response.is_success:
                    async for block in response.aiter_raw():
                        partial.write(block)
            return await asyncio.to_thread(partial.finish)
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            raise connection_error(httpx.URL(partial.url).host, failed) from failed
        finally:
            partial.close()
