"""Sending a file by threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import Retrying

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
class Uploader:
    """Begins, sends and completes: `call` asks the server, `links` reaches the storage, without the key."""

    server_url: str
    call: Callable[..., Any]
    links: httpx.Client
    patience: Patience

    def upload(self, source: SourceFile, concurrency: int, on_progress: OnUpload | None) -> UploadView:
        """Send a file; what an earlier run has sent of it is not sent again."""
        note = UploadNote(self.server_url, source)
        upload = self._begun(note) or self._begin(source, note, on_progress)
        if upload.state is UploadState.WAITING:
            self._send(Sending(source, upload, on_progress), concurrency)
            completed: UploadView = self.call(calls.complete_upload(upload.id))
            upload = checked(completed)
        note.drop()
        return upload

    def _begun(self, note: UploadNote) -> UploadView | None:
        """Return what an earlier run has begun, where that can be gone on with."""
        if note.upload_id is None:
            return None
        try:
            known: UploadView = self.call(calls.get_upload(note.upload_id))
        except NotFound:
            return None
        return known if known.state in (UploadState.WAITING, UploadState.COMPLETED) else None

    def _begin(self, source: SourceFile, note: UploadNote, on_progress: OnUpload | None) -> UploadView:
        if note.sha256 is None and source.size_bytes >= ASK_FIRST_BYTES:
            check_permitted(source, self.call(calls.key()))
        sha256 = note.sha256 or read_sha256(source, on_progress)
        note.keep(sha256=sha256, upload_id=None)
        upload: UploadView = self.call(calls.begin_upload(source.request(sha256)))
        note.keep(sha256=sha256, upload_id=upload.id)
        return upload

    def _send(self, sending: Sending, concurrency: int) -> None:
        with ThreadPoolExecutor(concurrency, "upload") as threads:
            try:
                for one in as_completed([threads.submit(self._send_part, sending, n) for n in sending.left]):
                    one.result()
            except BaseException:
                sending.stop()
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        sending.finish()

    def _send_part(self, sending: Sending, n: int) -> None:
        for attempt in Retrying(**Tries(self.patience).rules()):
            with attempt:
                while (address := sending.take_address(n)) is None:
                    sending.learn(self.call(calls.get_upload(sending.upload_id, sending.asked_for(n))))
                self._put(sending, n, address)

    def _put(self, sending: Sending, n: int, address: PartAddress) -> None:
        headers = {**address.headers, "Content-Length": str(address.size_bytes)}
        try:
            response = self.links.put(address.url, content=sending.pieces(n), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as failed:
            raise connection_error(httpx.URL(address.url).host, failed) from failed
        sending.answered(n, response)
