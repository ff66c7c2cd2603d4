"""Uploading files from the command line."""

from collections.abc import Sequence
from pathlib import Path

from revela.client.blocking import Client
from revela.jobs.display import print_json
from revela.jobs.submit import Server
from revela.uploads.bar import upload_bars
from revela.uploads.kept import going_on_later
from shared.uploads.upload import UploadView


def upload_files(server: Server, files: Sequence[Path], content_type: str | None, *, as_json: bool) -> None:
    """Send files one after another and print each upload; one that breaks off tells how to go on."""
    with server.client() as client:
        sent = send_all(client, files, content_type, quiet=as_json)
    if as_json:
        print_json(sent)
        return
    for upload in sent:
        print(upload.media, flush=True)


def send_all(
    client: Client, files: Sequence[Path], content_type: str | None = None, *, quiet: bool
) -> list[UploadView]:
    """Return the upload of each file, with a bar unless `quiet`."""
    with upload_bars(quiet=quiet) as bars, going_on_later(bars):
        return [client.upload(file, content_type=content_type, on_progress=bars.of(file.name)) for file in files]
