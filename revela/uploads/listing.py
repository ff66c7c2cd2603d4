"""Uploads listed and deleted from the command line."""

import sys
from collections.abc import Sequence
from itertools import islice

from revela.failures import NotConfirmed
from revela.jobs.display import print_json
from revela.jobs.submit import Server
from revela.rows import print_rows
from shared.uploads.sizes import human_size
from shared.uploads.upload import UploadView


def list_uploads(server: Server, limit: int, state: str | None, *, as_json: bool) -> None:
    """Print the newest uploads: what stands for each, its state, size, name, and until when it stays (UTC)."""
    with server.client() as client:
        found = list(islice(client.uploads(state=state), limit))
    if as_json:
        print_json(found)
        return
    print_rows(map(_row, found), ("upload", "state", "size", "name", "until"))


def _row(upload: UploadView) -> Sequence[str]:
    size = human_size(upload.size_bytes) if sys.stdout.isatty() else str(upload.size_bytes)
    return upload.media, upload.state.value, size, upload.name, f"{upload.expires_at:%Y-%m-%d %H:%M}"


def delete_uploads(server: Server, named: Sequence[str], *, sure: bool) -> None:
    """Delete uploads, each told on a line; a terminal is asked first, unless `sure`. NotConfirmed."""
    ids = [name.removeprefix("upload://") for name in named]
    if not sure and sys.stdin.isatty():
        answer = input(f"Delete {', '.join(ids)}? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            raise NotConfirmed
    with server.client() as client:
        for upload_id in ids:
            client.delete_upload(upload_id)
            print(f"{upload_id} is deleted", flush=True)
