"""Saving a job's outputs in a folder, each checked against the SHA-256 that the server states."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from revela.client import Client
from revela.failures import UsageFault
from revela.jobs.file_names import distinct_names
from shared.wire.job import ItemView


def make_folder(folder: Path) -> None:
    """Make the folder before any work is done for it; UsageFault if it can't be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failed:
        raise UsageFault(f"{folder}: {failed.strerror}") from failed


def save_outputs(client: Client, items: Iterable[ItemView], folder: Path) -> dict[str, Path]:
    """Save every output there is, and return where, by URL. Files of the same name are replaced.

    A file is named for its item; where an item has several outputs, for its slot too.
    """
    finished = [item for item in items if item.output]
    saved: dict[str, Path] = {}
    for item, name in zip(finished, distinct_names((item.id for item in finished), "item"), strict=True):
        for slot, output in item.output.items():
            stem = name if len(item.output) == 1 else f"{name}.{distinct_names([slot], 'output')[0]}"
            suffix = Path(urlsplit(output.url).path).suffix
            saved[output.url] = client.download(output, folder.resolve() / f"{stem}{suffix}")
    return saved
