"""The blocking client."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack
from uuid import uuid4

import httpx
from tenacity import Retrying

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
from revela.client.uploads.blocking import Uploader
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


class Client:
    """A connection to one server with one key; use it as a context manager.

    Every method raises what `revela.client.errors` draws. Failures that may pass are waited over as `patience` says.

    >>> with Client() as client:
    ...     job = client.submit("img2vid", input={"image": photo, "duration_s": 1, "width": 320, "height": 180})
    ...     job = client.wait(job.id)
    ...     job.status
    <Status.COMPLETED: 'COMPLETED'>
    """

    def __init__(self, url: str | None = None, key: str | None = None, *, patience: Patience = PATIENT) -> None:
        """`url` and `key` are REVELA_URL (else this machine's port 3000) and REVELA_API_KEY where they are left out.

        InvalidArgument for a key that is none.
        """
        connection = Connection.of(url, key)
        self.url = connection.url
        self._patience = patience
        self._http = httpx.Client(**connection.api_options())
        self._links = httpx.Client(**connection.link_options())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._links.close()

    # --- handing in ---------------------------------------------------------------------------------------

    def submit(
        self,
        operation: str | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[JobFields],
    ) -> JobView:
        """Store a job and return it; it is durable then.

        `operation` is its name, with the rest as `fields`, or a whole request as ``POST /v1/jobs`` takes it. The same
        `idempotency_key` and request give the same job; without one a fresh key makes trying again safe.

        >>> items = [{"id": name, "image": photo} for name in ("beach", "town")]
        >>> job = client.submit("img2vid", items=items, defaults={"duration_s": 1}, labels={"order": "A-17"})
        >>> job.status, job.summary.total
        (<Status.IN_QUEUE: 'IN_QUEUE'>, 2)
        """
        return self._call(calls.submit(job_request(operation, **fields), idempotency_key or str(uuid4())))

    def plan(self, operation: str | Mapping[str, Any], **fields: Unpack[JobFields]) -> JobPlan:
        """Return what a job would be: its tasks, its files, its time and cost. Nothing is stored or spent.

        >>> plan = client.plan("img2vid", input={"image": photo, "duration_s": 1})
        >>> plan.items[0].outputs[0].content_type
        'video/mp4'
        """
        return self._call(calls.plan(job_request(operation, **fields)))

    # --- looking ------------------------------------------------------------------------------------------

    def get(self, job_id: str, *, wait_s: float = 0) -> JobView:
        """Return a job with its first 100 items; with `wait_s` (25 at most) the answer is held until it has ended."""
        return self._call(calls.get(job_id, wait_s))

    def wait(
        self,
        job_id: str,
        on_change: OnChange | None = None,
        *,
        poll_s: float = 1,
        timeout_s: float | None = None,
        patience: Patience | None = None,
        on_away: OnAway | None = None,
    ) -> JobView:
        """Return a job once it has ended; WaitTimedOut after `timeout_s`.

        `on_change` is given every state seen, at least one each `poll_s`; `on_away` each failure that is waited over.
        """
        waiting = Waiting(job_id, on_change, poll_s, timeout_s)
        while waiting.ended is None:
            waiting.saw(self._call(waiting.next_call(), patience, on_away))
        return waiting.ended

    def jobs(
        self,
        *,
        status: Status | str | None = None,
        operation: str | None = None,
        labels: Mapping[str, str] | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        page_size: int = 50,
    ) -> Iterator[ListedJob]:
        """Yield jobs without their items, newest first, page by page; all that is given must hold.

        >>> [job.id for job in client.jobs(labels={"order": "B-1"}, created_after=yesterday)]
        []
        """
        call = calls.jobs(status, operation, labels, (created_after, created_before), page_size)
        while True:
            page = self._call(call)
            yield from page.jobs
            if page.next_cursor is None:
                return
            call = call.after(page.next_cursor)

    def items(self, job_id: str, *, status: Status | str | None = None) -> Iterator[ItemView]:
        """Yield all items of a job, page by page."""
        call = calls.items(job_id, status)
        while True:
            page = self._call(call)
            yield from page.items
            if page.next_cursor is None:
                return
            call = call.after(page.next_cursor)

    def events(
        self, job_id: str, *, after: str | None = None, patience: Patience | None = None, on_away: OnAway | None = None
    ) -> Iterator[StreamEvent]:
        """Yield what happened to a job and what happens, up to its end, over as many connections as it takes.

        `after` is the id of the last event that is known.

        >>> from revela import StatusEvent
        >>> for event in client.events(job_id):
        ...     if isinstance(event.data, StatusEvent):
        ...         print(event.data.status)
        IN_QUEUE
        IN_PROGRESS
        COMPLETED
        """
        stream = EventStream(job_id, after)
        tries = Tries(patience or self._patience, gained=lambda: stream.last_id, on_away=on_away)
        for attempt in Retrying(**tries.rules()):
            with attempt:
                yield from self._read_events(stream)

    def operations(self) -> list[dict[str, Any]]:
        """Return the operations as the server describes them, with JSON Schemas; needs no key.

        >>> [operation["name"] for operation in client.operations()]
        ['add_audio', 'caption', 'img2vid', 'probe']
        """
        return self._call(calls.operations())

    # --- acting -------------------------------------------------------------------------------------------

    def cancel(self, job_id: str) -> JobView:
        """Stop a job; what it has finished stays. A job that has ended already is returned as it is."""
        return self._call(calls.cancel(job_id))

    def retry(self, job_id: str) -> JobView:
        """Return a new job of the items that did not complete; asked again, the same one. Conflict if all did."""
        return self._call(calls.retry(job_id))

    def delete(self, job_id: str) -> None:
        """Delete a job that has ended, with its outputs. Conflict if it runs."""
        self._call(calls.delete(job_id))

    def pin(self, job_id: str) -> JobView:
        """Keep a job's outputs beyond their time. Conflict if they are gone."""
        return self._call(calls.pin(job_id))

    def unpin(self, job_id: str) -> JobView:
        """Let a job's outputs go when their time is over."""
        return self._call(calls.unpin(job_id))

    def hold(self, job_id: str, reason: str) -> JobView:
        """Put a job on legal hold: nothing of it may be deleted until it is released."""
        return self._call(calls.hold(job_id, reason))

    def release(self, job_id: str) -> JobView:
        """Release a job from its legal hold. Needs a key with the scope admin."""
        return self._call(calls.release(job_id))

    def audit(
        self, *, action: str | None = None, subject: str | None = None, page_size: int = 100
    ) -> Iterator[AuditEntry]:
        """Yield who deleted, kept, made or ended what, newest first. Needs a key with the scope admin."""
        call = calls.audit(action, subject, page_size)
        while True:
            page = self._call(call)
            yield from page.entries
            if page.next_cursor is None:
                return
            call = call.after(page.next_cursor)

    # --- webhooks -----------------------------------------------------------------------------------------

    def deliveries(self, job_id: str) -> list[Delivery]:
        """Return what webhooks were told of a job, and every try of telling them."""
        return self._call(calls.deliveries(job_id))

    def redeliver(self, delivery_id: str) -> Delivery:
        """Send an event once more, at once; it keeps its id, so that a receiver knows it."""
        return self._call(calls.redeliver(delivery_id))

    def webhooks(self) -> WebhookOverview:
        """Return how old the secret is, and which addresses are in trouble."""
        return self._call(calls.webhooks())

    def rotate_webhook_secret(self, previous_valid_s: int | None = None) -> RotatedSecret:
        """Return a fresh secret; the present one signs beside it for so long. Needs a key with the scope admin."""
        return self._call(calls.rotate_webhook_secret(previous_valid_s))

    # --- fetching -----------------------------------------------------------------------------------------

    def download(self, output: OutputView, path: Path, *, on_bytes: Callable[[int], object] = lambda _: None) -> Path:
        """Save an output at `path`, whole and as its SHA-256 says, or not at all; return where it lies.

        A connection that is cut is taken up where it broke off, by a later call too. What is there already is not
        fetched again; another file is not touched, NAME-2 is taken then. `on_bytes` is told how much is here.

        >>> video = client.get(job_id).items[0].output["video"]
        >>> client.download(video, folder / "video.mp4").stat().st_size == video.size_bytes
        True
        """
        return self._save(output, path, on_bytes)

    def download_all(
        self,
        job_id: str,
        folder: Path,
        *,
        concurrency: int = 4,
        on_progress: OnDownload | None = None,
    ) -> list[SavedOutput]:
        """Save every output of a job in `folder`, several at once, each as `download` does; return what lies where.

        A file is named for its item; where an item has several outputs, for its slot too.

        >>> [saved.path.name for saved in client.download_all(job_id, folder)]
        ['0.mp4']
        """
        return self.download_outputs(
            planned_outputs(self.items(job_id), folder), concurrency=concurrency, on_progress=on_progress
        )

    def download_outputs(
        self, planned: Sequence[SavedOutput], *, concurrency: int = 4, on_progress: OnDownload | None = None
    ) -> list[SavedOutput]:
        """Save outputs at their places, each as `download` does; return what lies where."""
        tally, places = Tally(planned, on_progress), frozenset(saved.path for saved in planned)

        def save(saved: SavedOutput) -> SavedOutput:
            saved.path.parent.mkdir(parents=True, exist_ok=True)
            path = self._save(saved.output, saved.path, tally.of(saved), places)
            tally.done(saved)
            return replace(saved, path=path)

        with ThreadPoolExecutor(concurrency, "download") as threads:
            try:
                saving = [threads.submit(save, saved) for saved in planned]
                for one in as_completed(saving):
                    one.result()
            except BaseException:
                tally.stop()
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        return [one.result() for one in saving]

    # --- sending files ------------------------------------------------------------------------------------

    def upload(
        self,
        path: Path,
        *,
        content_type: str | None = None,
        concurrency: int = 4,
        on_progress: OnUpload | None = None,
    ) -> UploadView:
        """Send a file straight to the server's storage and return the upload; its `media` is the input of a job.

        Large files go in parts, several at once; a later call goes on where one broke off, even where it was killed.
        A file that the server has already is not sent. Its name's end says its type where `content_type` does not.

        >>> sent = client.upload(folder / "beach.jpg")
        >>> job = client.submit("img2vid", input={"image": sent.media, "duration_s": 1})
        """
        uploader = Uploader(self.url, self._call, self._links, self._patience)
        return uploader.upload(SourceFile.of(path, content_type), concurrency, on_progress)

    def get_upload(self, upload_id: str) -> UploadView:
        """Return an upload; while it waits, with what has arrived."""
        return self._call(calls.get_upload(upload_id))

    def uploads(self, *, state: UploadState | str | None = None) -> Iterator[UploadView]:
        """Yield uploads, newest first, page by page."""
        call = calls.uploads(state)
        while True:
            page = self._call(call)
            yield from page.uploads
            if page.next_cursor is None:
                return
            call = call.after(page.next_cursor)

    def delete_upload(self, upload_id: str) -> None:
        """Delete an upload and its file. Conflict while a job needs it."""
        self._call(calls.delete_upload(upload_id))

    # --- underneath ---------------------------------------------------------------------------------------

    def _call(self, call: Call[T], patience: Patience | None = None, on_away: OnAway | None = None) -> T:
        tries = Tries(patience or self._patience, call.repeatable, on_away=on_away)
        for attempt in Retrying(**tries.rules()):
            with attempt:
                return self._ask(call, repeated=attempt.retry_state.attempt_number > 1)
        raise AssertionError("tenacity returns or raises")

    def _ask(self, call: Call[T], *, repeated: bool) -> T:
        try:
            response = self._http.request(**call.options())
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            raise connection_error(self.url, failed) from failed
        return call.result(response, repeated=repeated)

    def _read_events(self, stream: EventStream) -> Iterator[StreamEvent]:
        try:
            with self._http.stream(**stream.options()) as response:
                if response.is_error:
                    response.read()
                stream.began(response)
                for block in response.iter_bytes():
                    yield from stream.read(block)
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            raise connection_error(self.url, failed) from failed
        stream.closed()

    def _save(self, output: OutputView, path: Path, on_bytes: OnBytes, others: AbstractSet[Path] = frozenset()) -> Path:
        place = place_of(output, path, others)
        if place.is_whole:
            on_bytes(output.size_bytes)
            return place.path
        partial = PartialFile(output, place.path, on_bytes)
        tries = Tries(self._patience, gained=lambda: partial.furthest_bytes)
        return Retrying(**tries.rules())(self._fetch, partial)

    def _fetch(self, partial: PartialFile) -> Path:
        try:
            with self._links.stream("GET", partial.url, headers=partial.headers()) as response:
                if response.is_error:
                    response.read()
                partial.began(response)
                if response.is_success:
                    for block in response.iter_raw():
                        partial.write(block)
            return partial.finish()
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            raise connection_error(httpx.URL(partial.url).host, failed) from failed
        finally:
            partial.close()
