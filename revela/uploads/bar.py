"""A bar of what was read and sent of files, on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from revela.client.uploads.sending import OnUpload, UploadProgress


class UploadBars:
    """One bar for each file."""

    def __init__(self, progress: Progress | None) -> None:
        """Draw in `progress`; nothing where that is None."""
        self._progress = progress

    def of(self, name: str) -> OnUpload | None:
        """Return what is told how far a file is."""
        progress = self._progress
        if progress is None:
            return None
        bar, stage = progress.add_task(escape(name), total=None), "sending"

        def show(told: UploadProgress) -> None:
            nonlocal stage
            if told.stage != stage:
                stage = told.stage
                progress.reset(bar)  # else the speed of the reading would be taken for that of the sending
            described = f"{escape(name)} ({told.stage})" if told.stage == "reading" else escape(name)
            progress.update(bar, description=described, completed=told.bytes_done, total=told.bytes_total)

        return show


@contextmanager
def upload_bars(*, quiet: bool) -> Iterator[UploadBars]:
    """Show bars until the block ends, unless `quiet`."""
    if quiet:
        yield UploadBars(None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield UploadBars(progress)
