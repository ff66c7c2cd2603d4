"""Saving a job's outputs in a folder, with a bar of what has arrived."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from revela.client.blocking import Client
from revela.client.downloads.outputs import DownloadProgress, OnDownload, planned_outputs
from revela.failures import UsageFault
from revela.uploads.bar import columns_of_bytes
from shared.wire.job import ItemView


def make_folder(folder: Path) -> None:
    """Make the folder before any work is done for it; UsageFault if it can't be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failed:
        raise UsageFault(f"{folder}: {failed.strerror}") from failed


def save_outputs(client: Client, items: Iterable[ItemView], folder: Path, *, quiet: bool = True) -> dict[str, Path]:
    """Save every output there is, and return where, by URL, with a bar on standard error unless `quiet`.

    What is there already is kept, what broke off is taken up. Another file of the same name is left as it is: the next
    free name is taken then, and standard error says so.
    """
    planned = planned_outputs(items, folder.resolve())
    with _shown(quiet=quiet or not planned) as on_progress:
        saved = client.download_outputs(planned, on_progress=on_progress)
    for wanted, one in zip(planned, saved, strict=True):
        if one.path != wanted.path:
            print(f"{wanted.path} is another file and stays; saved as {one.path.name}", file=sys.stderr)
    return {one.output.url: one.path for one in saved}


@contextmanager
def _shown(*, quiet: bool) -> Iterator[OnDownload | None]:
    if quiet:
        yield None
        return
    with Progress(*columns_of_bytes(), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)

        def show(progress: DownloadProgress) -> None:
            files = f"{progress.files_done}/{progress.files_total} files"
            bar.update(task, description=files, completed=progress.bytes_done, total=progress.bytes_total)

        yield show
